//! Tests the time between the start of a device and its first tick.

use std::time::Duration;

use mockfleet_sdk::testing::{GroupContext, Setup, Trial, group_context};
use serde_json::{Value, json};

use crate::Scenario;
use crate::tests::support::refusal;

const HOUR: Duration = Duration::from_hours(1);
/// The phase of a device in an interval of an hour.
const PHASE: Duration = Duration::from_millis(2_735_017);

/// A device of a group with an interval of an hour, and with this phase.
fn device(config: Value) -> Trial<Scenario> {
    group_context(GroupContext {
        interval: Some(HOUR),
        ..GroupContext::default()
    });
    let setup = Setup {
        config,
        every: HOUR,
        phase: PHASE,
        ..Setup::default()
    };
    Trial::create(&setup).unwrap()
}

/// The channels and times of messages, in seconds since the start.
fn sent(trial: &Trial<Scenario>) -> Vec<(&str, f64)> {
    let born = Setup::default().born;
    let messages = trial.messages().iter();
    messages
        .map(|sent| {
            let at = sent.at.since(born).as_secs_f64();
            (sent.message.channel.as_str(), at)
        })
        .collect()
}

/// Messages of ticks, and of transitions.
fn scenario(statuses: Value) -> Value {
    let mut config = json!({
        "messages": {
            "tick": { "text": "{{ sequence }}" },
            "timer": { "text": "{{ at }}", "on-tick": false },
        },
    });
    config["statuses"] = statuses;
    config
}

#[test]
fn cron_comes_at_its_time_before_the_first_tick() {
    let cron = json!({ "to": "on", "cron": "0 */20 * * * *", "send": ["timer"] });
    let mut device = device(scenario(json!({ "on": { "transitions": [cron] } })));
    device.run(Duration::from_hours(2));
    assert_eq!(
        sent(&device),
        [
            ("timer", 0.0),
            ("timer", 1_200.0),
            ("timer", 2_400.0),
            ("tick", 2_735.017),
            ("timer", 3_600.0),
            ("timer", 4_800.0),
            ("timer", 6_000.0),
            ("tick", 6_335.017),
        ]
    );
}

#[test]
fn after_counts_from_the_start_and_ticks_keep_their_phase() {
    let after = json!({ "to": "b", "after": "1m", "send": ["timer"] });
    let mut config = scenario(json!({ "a": { "transitions": [after] }, "b": {} }));
    config["start"] = json!("a");
    let mut device = device(config);
    device.run(Duration::from_hours(2));
    assert_eq!(
        sent(&device),
        [("timer", 60.0), ("tick", 2_735.017), ("tick", 6_335.017)]
    );
    let born = Setup::default().born;
    let statuses: Vec<(f64, &str)> = device
        .statuses()
        .iter()
        .map(|(at, status)| (at.since(born).as_secs_f64(), status.as_str()))
        .collect();
    assert_eq!(statuses, [(0.0, "a"), (60.0, "b")]);
}

#[test]
fn own_interval_of_the_first_status_has_the_phase_of_the_device() {
    let mut device = device(scenario(json!({ "on": { "every": "10m" } })));
    device.run(Duration::from_secs(1_700));
    // The phase is 2,735.017 s of 3,600 s.
    assert_eq!(
        sent(&device),
        [
            ("tick", 455.836_166),
            ("tick", 1_055.836_166),
            ("tick", 1_655.836_166)
        ]
    );
}

#[test]
fn longer_own_interval_begins_with_the_first_tick() {
    let mut device = device(scenario(json!({ "on": { "every": "2h" } })));
    device.run(Duration::from_hours(4));
    assert_eq!(sent(&device), [("tick", 2_735.017), ("tick", 9_935.017)]);
}

#[test]
fn device_without_timers_has_its_first_tick_on_schedule() {
    let mut device = device(scenario(json!({ "on": {} })));
    assert_eq!(device.due(), Setup::default().born + PHASE);
    device.run(Duration::from_hours(2));
    assert_eq!(sent(&device), [("tick", 2_735.017), ("tick", 6_335.017)]);
}

#[test]
fn command_before_the_first_tick_starts_timers() {
    let off = json!({ "to": "b", "received": { "channel": "command" } });
    let back = json!({ "to": "a", "after": "1m", "send": ["timer"] });
    let mut config = scenario(json!({
        "a": { "transitions": [off] }, "b": { "transitions": [back] },
    }));
    config["start"] = json!("a");
    let mut device = device(config);
    device.run(Duration::from_secs(100));
    device.receive("command", &json!({}));
    device.run(Duration::from_hours(1));
    assert_eq!(sent(&device), [("timer", 160.0), ("tick", 2_735.017)]);
}

#[test]
fn cron_of_all_statuses_applies_in_the_one_that_it_leads_to() {
    let mut config = scenario(json!({ "on": {} }));
    config["transitions"] = json!([{ "to": "on", "cron": "0 30 * * * *", "send": ["timer"] }]);
    let mut device = device(config.clone());
    device.run(Duration::from_hours(2));
    assert_eq!(
        sent(&device),
        [
            ("timer", 1_800.0),
            ("tick", 2_735.017),
            ("timer", 5_400.0),
            ("tick", 6_335.017),
        ]
    );
    config["transitions"] = json!([{ "to": "on", "after": "1m", "send": ["timer"] }]);
    assert_eq!(
        refusal(config),
        [
            "config.transitions.0: it never happens: \"on\" is the only status, and only a cron leads from a status to itself here; write it under statuses.on.transitions"
        ]
    );
}
