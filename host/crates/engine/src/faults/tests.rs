//! What may be relied on when faults are drawn: shares hold, one message's faults do
//! not depend on others, and everything is the same again.

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

fn faults(tables: &[&str]) -> Faults {
    let mut text = HEAD.to_owned();
    for table in tables {
        text += &format!("[[groups.faults]]\n{table}\n");
    }
    let fleet = Fleet::parse(&text, "fleet.toml", std::path::Path::new("."), &[]).unwrap();
    let group = &fleet.plan.groups[0];
    Faults::of(group, &Routes::of(&fleet.plan.targets[0]), GROUP).unwrap()
}

fn said(device: u32, seq: u64) -> Said {
    Said {
        seed: seed::device(GROUP, device),
        seq,
        at: seq * 1_000_000,
        route: 1,
    }
}

fn payload() -> Bytes {
    Bytes::from_static(b"{\"value\": 21.5, \"unit\": \"C\"}")
}

/// What becomes of so many messages of one device.
fn words(faults: &Faults, device: u32, messages: u64) -> Vec<String> {
    let touched = (0..messages).map(|seq| faults.touch(said(device, seq), &payload()));
    touched
        .map(|touched| touched.map_or(String::new(), |touched| touched.words_of_copies))
        .collect()
}

fn share(words: &[String], what: &str) -> f64 {
    let n = words.iter().filter(|words| words.contains(what)).count();
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let share = n as f64 / words.len() as f64;
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
    let words = words(&faults, 3, 20_000);
    let near = |share: f64, wanted: f64| (share - wanted).abs() < 0.02;
    assert!(near(share(&words, "drop"), 0.1));
    // Of what is not dropped.
    assert!(near(share(&words, "delay"), 0.9 * 0.2));
    assert!(near(share(&words, "reorder"), 0.9 * 0.3));
    assert!(near(share(&words, "corrupt"), 0.9 * 0.5));
    for words in &words {
        assert!(!(words.contains("delay") && words.contains("reorder")));
        assert!(!words.contains("drop") || words == "drop", "{words}");
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
    let touched = faults.touch(said(0, 2), &payload()).unwrap();
    let words = "clock-skew -5s+truncate from 28 bytes+slow-link+disconnect";
    assert_eq!(touched.words, words);
    assert_eq!(
        touched.words_of_copies,
        words.replace("-5s+", "-5s+duplicate+")
    );
    assert_eq!(touched.payload.unwrap().len(), 14);
    assert_eq!((touched.copies, touched.latency), (2, 1_000_000));
    let after = faults.touch(said(0, 4), &payload()).unwrap();
    assert!(!after.words.contains("disconnect"));
}

#[test]
fn only_its_channel_and_its_window_are_touched() {
    let faults = faults(&[
        "kind = \"drop\"\nprobability = \"100%\"\nchannel = \"alarm\"",
        "kind = \"corrupt\"\nprobability = \"100%\"\nfrom = \"3s\"\nuntil = \"5s\"",
    ]);
    // Channels are numbered by name: alarm is the first.
    let alarm = Said {
        route: 0,
        ..said(0, 0)
    };
    assert_eq!(faults.touch(alarm, &payload()).unwrap().words, "drop");
    let touched = words(&faults, 0, 7);
    assert_eq!(touched, ["", "", "", "corrupt", "corrupt", "", ""]);
}

#[test]
fn exactly_the_share_of_devices_has_a_fault_and_its_neighbour_another_share() {
    let faults = faults(&[
        "kind = \"drop\"\nprobability = \"100%\"\ndevices = \"10%\"",
        "kind = \"disconnect\"\nat = \"1s\"\nduration = \"1s\"\ndevices = \"0.01%\"",
    ]);
    let dropping: Vec<u32> = (0..1000)
        .filter(|device| faults.touch(said(*device, 0), &payload()).is_some())
        .collect();
    assert_eq!(dropping.len(), 100);
    assert_ne!(dropping, (0..100).collect::<Vec<_>>(), "they are drawn");
    let cut = (0..1000).filter(|device| faults.links(seed::device(GROUP, *device)).count() == 1);
    assert_eq!(cut.count(), 1, "a share that is there is at least one");
}

#[test]
fn a_storm_has_all_devices_at_one_moment_and_other_drawn_faults_have_not() {
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
    assert_eq!(faults.touch(said(0, 0), &Bytes::new()), None);
}

proptest! {
    #[test]
    fn a_message_breaks_in_the_same_way_whoever_else_was_asked_before(
        device in 0u32..1000, seq in 0u64..100_000, others in prop::collection::vec(any::<u64>(), 0..5),
    ) {
        let faults = faults(&[
            "kind = \"corrupt\"\nbytes = 3\nprobability = \"50%\"",
            "kind = \"delay\"\ndelay = \"10ms..10s\"\nprobability = \"50%\"",
            "kind = \"duplicate\"\nprobability = \"50%\"\nrate = \"1/min\"\nduration = \"30s\"",
        ]);
        let alone = faults.touch(said(device, seq), &payload());
        for other in others {
            let _ = faults.touch(said(device, other % 100_000), &payload());
        }
        prop_assert_eq!(&alone, &faults.touch(said(device, seq), &payload()));
        if let Some(Touched { leaves: Leaves::After(length), .. }) = alone {
            prop_assert!((10_000..=10_000_000).contains(&length));
        }
    }
}
