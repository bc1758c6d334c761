//! Tests the draws of faults.
//!
//! Shares are exact, the faults of a message do not depend on other messages, and a repeated draw
//! is equal.

use proptest::prelude::*;

use super::*;
use mockfleet_config::Fleet;
use mockfleet_transport::Routes;

const HEAD: &str = r#"
[targets.broker]
url = "mqtt://127.0.0.1:1883"
channels.telemetry.topic = "{device}/telemetry"
channels.alarm.topic = "{device}/alarm"

[[groups]]
name = "a"
plugin = "builtin:thermometer"
count = 1000
every = "1s"
"#;

const GROUP: u64 = 7;

fn faults(tables: &[&str]) -> GroupFaults {
    let mut text = HEAD.to_owned();
    for table in tables {
        text += &format!("[[groups.faults]]\n{table}\n");
    }
    let fleet = Fleet::parse(&text, "fleet.toml", std::path::Path::new("."), &[]).unwrap();
    let group = &fleet.plan.groups[0];
    GroupFaults::new(group, &Routes::new(&fleet.plan.targets[0]), GROUP).unwrap()
}

fn key(device: u32, seq: u64) -> MessageKey {
    MessageKey {
        seed: seed::device(GROUP, device),
        seq,
        at: seq * 1_000_000,
        route: 1,
    }
}

fn payload() -> Bytes {
    Bytes::from_static(b"{\"value\": 21.5, \"unit\": \"C\"}")
}

/// Returns the fault labels of this number of messages of one device.
fn label(faults: &GroupFaults, device: u32, messages: u64) -> Vec<String> {
    let effect = (0..messages).map(|seq| faults.effect_on(key(device, seq), &payload()));
    effect
        .map(|effect| effect.map_or(String::new(), |effect| effect.copy_label))
        .collect()
}

fn share(label: &[String], what: &str) -> f64 {
    let n = label.iter().filter(|label| label.contains(what)).count();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let share = n as f64 / label.len() as f64;
    share
}

#[test]
fn each_kind_touches_its_share_of_messages() {
    let faults = faults(&[
        "kind = \"drop\"\nprobability = \"10%\"",
        "kind = \"delay\"\ndelay = \"1s..5s\"\nprobability = \"20%\"",
        "kind = \"reorder\"\nmessages = 2\nprobability = \"30%\"",
        "kind = \"corrupt\"\nprobability = \"50%\"",
    ]);
    let label = label(&faults, 3, 20_000);
    let near = |share: f64, wanted: f64| (share - wanted).abs() < 0.02;
    assert!(near(share(&label, "drop"), 0.1));
    // Shares of the messages that are not dropped.
    assert!(near(share(&label, "delay"), 0.9 * 0.2));
    assert!(near(share(&label, "reorder"), 0.9 * 0.3));
    assert!(near(share(&label, "corrupt"), 0.9 * 0.5));
    for label in &label {
        assert!(!(label.contains("delay") && label.contains("reorder")));
        assert!(!label.contains("drop") || label == "drop", "{label}");
    }
}

#[test]
fn what_meets_on_one_message_is_said_in_the_order_of_the_file() {
    let faults = faults(&[
        "kind = \"clock-skew\"\noffset = \"-5s\"",
        "kind = \"duplicate\"\ncopies = 2\nprobability = \"100%\"",
        "kind = \"truncate\"\nsize = \"50%\"\nprobability = \"100%\"",
        "kind = \"slow-link\"\nlatency = \"1s\"",
        "kind = \"disconnect\"\nat = \"2s\"\nduration = \"2s\"",
    ]);
    let effect = faults.effect_on(key(0, 2), &payload()).unwrap();
    let label = "clock-skew -5s+truncate from 28 bytes+slow-link+disconnect";
    assert_eq!(effect.label, label);
    assert_eq!(effect.copy_label, label.replace("-5s+", "-5s+duplicate+"));
    assert_eq!(effect.payload.unwrap().len(), 14);
    assert_eq!((effect.copies, effect.latency), (2, 1_000_000));
    let after = faults.effect_on(key(0, 4), &payload()).unwrap();
    assert!(!after.label.contains("disconnect"));
}

#[test]
fn only_its_channel_and_its_window_are_touched() {
    let faults = faults(&[
        "kind = \"drop\"\nprobability = \"100%\"\nchannel = \"alarm\"",
        "kind = \"corrupt\"\nprobability = \"100%\"\nfrom = \"3s\"\nuntil = \"5s\"",
    ]);
    // Channels are numbered by name, so `alarm` has number 0.
    let alarm = MessageKey {
        route: 0,
        ..key(0, 0)
    };
    assert_eq!(faults.effect_on(alarm, &payload()).unwrap().label, "drop");
    let effect = label(&faults, 0, 7);
    assert_eq!(effect, ["", "", "", "corrupt", "corrupt", "", ""]);
}

#[test]
fn exactly_the_share_of_devices_has_a_fault_in_each_fault() {
    let faults = faults(&[
        "kind = \"drop\"\nprobability = \"100%\"\ndevices = \"10%\"",
        "kind = \"disconnect\"\nat = \"1s\"\nduration = \"1s\"\ndevices = \"0.01%\"",
    ]);
    let dropping: Vec<u32> = (0..1000)
        .filter(|device| faults.effect_on(key(*device, 0), &payload()).is_some())
        .collect();
    assert_eq!(dropping.len(), 100);
    assert_ne!(dropping, (0..100).collect::<Vec<_>>(), "they are drawn");
    let cut = (0..1000).filter(|device| faults.links(seed::device(GROUP, *device)).count() == 1);
    assert_eq!(cut.count(), 1, "a share that is there is at least one");
}

#[test]
fn only_a_reconnect_storm_hits_all_devices_at_one_time() {
    let faults = faults(&[
        "kind = \"reconnect-storm\"\nrate = \"1/min\"\nduration = \"1s\"",
        "kind = \"half-open\"\nrate = \"1/min\"\nduration = \"1s\"",
    ]);
    let begins = |number| {
        let spans = (0..100).map(|device| faults.next(number, seed::device(GROUP, device), 0));
        let mut begins: Vec<_> = spans.map(|span| span.unwrap().begin).collect();
        begins.sort_unstable();
        begins.dedup();
        begins.len()
    };
    assert_eq!(begins(0), 1);
    assert_eq!(begins(1), 100);
}

#[test]
fn a_clock_drifts_from_when_its_window_begins() {
    let faults =
        faults(&["kind = \"clock-skew\"\noffset = \"1s\"\ndrift = \"-36s/h\"\nfrom = \"10s\""]);
    let seed = seed::device(GROUP, 0);
    assert_eq!(faults.skew(seed, 9_999_999), 0);
    assert_eq!(faults.skew(seed, 10_000_000), 1_000_000);
    assert_eq!(faults.skew(seed, 210_000_000), 1_000_000 - 2_000_000);
}

#[test]
fn nothing_to_do_is_not_said_to_be_done() {
    let faults = faults(&[
        "kind = \"truncate\"\nsize = \"1KiB\"\nprobability = \"100%\"",
        "kind = \"corrupt\"\nprobability = \"100%\"",
    ]);
    assert_eq!(faults.effect_on(key(0, 0), &Bytes::new()), None);
}

proptest! {
    #[test]
    fn fault_of_a_message_does_not_depend_on_earlier_draws(
        device in 0u32..1000, seq in 0u64..100_000, others in prop::collection::vec(any::<u64>(), 0..5),
    ) {
        let faults = faults(&[
            "kind = \"corrupt\"\nbytes = 3\nprobability = \"50%\"",
            "kind = \"delay\"\ndelay = \"10ms..10s\"\nprobability = \"50%\"",
            "kind = \"duplicate\"\nprobability = \"50%\"\nrate = \"1/min\"\nduration = \"30s\"",
        ]);
        let alone = faults.effect_on(key(device, seq), &payload());
        for other in others {
            let _ = faults.effect_on(key(device, other % 100_000), &payload());
        }
        prop_assert_eq!(&alone, &faults.effect_on(key(device, seq), &payload()));
        if let Some(FaultEffect { release: Release::After(length), .. }) = alone {
            prop_assert!((10_000..=10_000_000).contains(&length));
        }
    }
}
