//! Tests the schedule, statuses and messages of scenarios.

use std::time::Duration;

use mockfleet_sdk::testing::{GroupContext, Setup, Trial, group_context};
use mockfleet_sdk::{Error, Event, Link};
use serde_json::{Value, json};

use crate::Scenario;
use crate::tests::support::{device, every_second, refusal};

/// The times of messages, in seconds since the device was switched on.
fn moments(trial: &Trial<Scenario>) -> Vec<f64> {
    let born = Setup::default().born;
    let messages = trial.messages().iter();
    messages
        .map(|sent| sent.at.since(born).as_secs_f64())
        .collect()
}

fn changes(trial: &Trial<Scenario>) -> Vec<(f64, &str)> {
    let born = Setup::default().born;
    let statuses = trial.statuses().iter();
    statuses
        .map(|(at, status)| (at.since(born).as_secs_f64(), status.as_str()))
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "its calls read better")]
fn two(transition: Value) -> Value {
    json!({
        "messages": { "t": { "json": { "status": "{{ status }}", "tick": "{{ sequence }}" } } },
        "start": "a",
        "statuses": { "a": { "transitions": [transition] }, "b": {} },
    })
}

#[test]
fn message_has_the_configured_shape() {
    let mut device = device(json!({
        "fields": { "n": { "kind": "counter", "start": 7 } },
        "variables": { "unit": "C" },
        "messages": { "telemetry": { "json": {
            "id": "{{ device.id }}", "n": "{{ n }}", "text": "{{ n }} {{ unit }} of {{ device.group }}",
            "list": [1, "{{ device.index }}", null], "at": "{{ at }}", "status": "{{ status }}",
        } } },
    }));
    device.ticks(2);
    assert_eq!(
        device.on("telemetry"),
        [
            json!({ "id": "device-00000", "n": 7, "text": "7 C of device", "list": [1, 0, null], "at": "2026-01-01T00:00:00.000000Z", "status": "on" }),
            json!({ "id": "device-00000", "n": 8, "text": "8 C of device", "list": [1, 0, null], "at": "2026-01-01T00:00:01.000000Z", "status": "on" }),
        ]
    );
    let content = device.messages()[0].message.content_type.as_deref();
    assert_eq!(content, Some("application/json"));
}

#[test]
fn several_messages_have_their_own_channels_and_beat() {
    let mut device = device(json!({ "messages": {
        "fast": { "channel": "telemetry", "text": "{{ sequence }}" },
        "slow": { "csv": { "columns": ["{{ sequence }}", "x"] }, "every-nth": 3 },
        "never": { "text": "", "on-tick": false },
    } }));
    device.ticks(4);
    let sent: Vec<(&str, &[u8])> = device
        .messages()
        .iter()
        .map(|sent| {
            (
                sent.message.channel.as_str(),
                sent.message.payload.as_slice(),
            )
        })
        .collect();
    assert_eq!(
        sent,
        [
            ("telemetry", b"0".as_slice()),
            ("slow", b"0,x\r\n"),
            ("telemetry", b"1"),
            ("telemetry", b"2"),
            ("telemetry", b"3"),
            ("slow", b"3,x\r\n"),
        ]
    );
}

#[test]
fn sequence_and_ages_are_one_number_in_a_message() {
    let mut device = device(json!({
        "fields": {
            "computed": { "kind": "expression", "expression": "[sequence, age, status_age]" },
            "written": { "kind": "text", "template": "{{ sequence }} {{ age }} {{ status_age }}" },
            "parts": { "kind": "object", "fields": { "n": { "kind": "expression", "expression": "sequence" } } },
            "samples": { "kind": "bulk", "count": 2, "every": "10ms", "of": { "kind": "expression", "expression": "sequence" } },
        },
        "variables": { "seen": 0 },
        "messages": {
            "m": { "json": {
                "n": "{{ sequence }}", "all": ["{{ sequence }}", "{{ age }}", "{{ status_age }}"],
                "text": "{{ sequence }} {{ age }} {{ status_age }}",
                "computed": "{{ computed }}", "written": "{{ written }}",
                "parts": "{{ parts.n }}", "samples": "{{ samples }}", "seen": "{{ seen }}",
            } },
            "answer": { "json": ["{{ sequence }}", "{{ parts.n }}"], "on-tick": false },
        },
        "start": "a",
        "statuses": {
            "a": { "every": "1100ms", "transitions": [{ "to": "b", "when": "sequence == 2", "set": { "seen": "sequence" } }] },
            "b": {},
        },
        "answers": [{ "received": {}, "send": ["answer"] }],
    }));
    device.run(Duration::from_secs(4));
    device.receive("command", &json!(1));
    let messages = device.on("m");
    for (number, message) in messages.iter().enumerate() {
        assert_eq!(message["n"], json!(number), "{message}");
        assert_eq!(message["computed"], message["all"], "{message}");
        assert_eq!(message["written"], message["text"], "{message}");
        assert_eq!(message["parts"], json!(number), "{message}");
        assert_eq!(message["samples"], json!([number, number]), "{message}");
        let seen = if number < 2 { 0 } else { 2 };
        assert_eq!(message["seen"], json!(seen), "{message}");
    }
    assert_eq!(changes(&device), [(0.0, "a"), (2.2, "b")]);
    assert_eq!(messages.len(), 4);
    assert_eq!(device.on("answer"), [json!([4, 4])]);
}

#[test]
fn a_status_has_its_own_interval_generators_and_payloads() {
    let mut device = device(json!({
        "fields": { "t": { "kind": "constant", "value": 1 }, "n": { "kind": "counter" } },
        "messages": { "m": { "json": ["{{ t }}", "{{ n }}"] } },
        "start": "slow",
        "statuses": {
            "slow": { "every": "2s", "transitions": [{ "to": "fast", "after": "5s" }] },
            "fast": {
                "every": "500ms",
                "fields": { "t": { "kind": "constant", "value": 2 } },
                "messages": { "m": { "json": { "fast": "{{ t }}", "n": "{{ n }}" } } },
            },
        },
    }));
    device.run(Duration::from_millis(6_100));
    assert_eq!(moments(&device), [0.0, 2.0, 4.0, 5.5, 6.0]);
    assert_eq!(
        device.on("m"),
        [
            json!([1, 0]),
            json!([1, 1]),
            json!([1, 2]),
            json!({ "fast": 2, "n": 3 }),
            json!({ "fast": 2, "n": 4 }),
        ]
    );
    assert_eq!(changes(&device), [(0.0, "slow"), (5.0, "fast")]);
}

#[test]
fn transition_between_ticks_keeps_the_fleets_schedule() {
    let mut device = device(two(json!({ "to": "b", "after": "2500ms" })));
    device.run(Duration::from_millis(4_500));
    assert_eq!(moments(&device), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(changes(&device), [(0.0, "a"), (2.5, "b")]);
}

#[test]
fn a_transition_comes_at_its_time_of_day_in_its_zone() {
    // Born at midnight, UTC: one o'clock in Berlin.
    let cron = json!({ "to": "b", "cron": "3 0 1 * * *", "zone": "Europe/Berlin" });
    let mut device = device(two(cron));
    device.run(Duration::from_secs(5));
    assert_eq!(changes(&device), [(0.0, "a"), (3.0, "b")]);
}

#[test]
fn a_time_can_be_drawn_and_devices_differ() {
    every_second();
    let mut lengths = Vec::new();
    for seed in 0..20 {
        let setup = Setup {
            config: two(json!({ "to": "b", "after": { "kind": "uniform", "min": 1, "max": 9 } })),
            seed,
            ..Setup::default()
        };
        let mut device = Trial::<Scenario>::create(&setup).unwrap();
        device.run(Duration::from_secs(10));
        let changed = changes(&device)[1].0;
        assert!((1.0..=9.0).contains(&changed), "{changed}");
        lengths.push(changed);
    }
    lengths.sort_by(f64::total_cmp);
    lengths.dedup();
    assert!(lengths.len() > 15, "{lengths:?}");
}

#[test]
fn chance_decides_at_each_tick() {
    let mut device = device(two(json!({ "to": "b", "probability": 1.0 })));
    device.ticks(1);
    assert_eq!(changes(&device), [(0.0, "a"), (0.0, "b")]);
    assert_eq!(device.on("t"), [json!({ "status": "b", "tick": 0 })]);
}

#[test]
fn received_message_changes_the_status() {
    let received = json!({ "channel": "command", "path": "$.power", "equals": "on" });
    let mut device = device(two(json!({ "to": "b", "received": received })));
    device.ticks(1);
    device.receive("command", &json!({ "power": "off" }));
    device.receive("command", &json!({ "other": "on" }));
    device.receive("other", &json!({ "power": "on" }));
    assert_eq!(device.status(), Some("a"));
    device.receive("command", &json!({ "power": "on" }));
    assert_eq!(device.status(), Some("b"));
}

#[test]
fn an_answer_has_parts_of_the_request() {
    let mut device = device(json!({
        "messages": {
            "reply": { "json": { "id": "{{ request.id }}", "t": "{{ t }}", "first": "{{ request.list.0 }}" }, "on-tick": false },
            "t": { "json": "{{ t }}" },
        },
        "fields": { "t": { "kind": "counter", "start": 5 } },
        "answers": [{ "received": { "path": "$.id" }, "send": ["reply"] }],
    }));
    device.ticks(1);
    device.receive("command", &json!({ "id": "x1", "list": [8] }));
    device.receive("command", &json!({ "no": "id" }));
    assert_eq!(
        device.on("reply"),
        [json!({ "id": "x1", "t": 6, "first": 8 })]
    );
}

#[test]
fn lost_connection_delays_stored_messages() {
    let mut device = device(json!({
        "messages": { "m": { "json": { "at": "{{ at }}", "status": "{{ status }}" } } },
        "start": "ok",
        "store-and-forward": { "batch": 2, "pause": "100ms" },
        "statuses": {
            "ok": { "transitions": [{ "to": "alone", "connection": "lost" }] },
            "alone": { "transitions": [{ "to": "ok", "connection": "up" }] },
        },
    }));
    device.event(Event::Connected).unwrap();
    device.ticks(1);
    device.event(Event::Disconnected("cable".into())).unwrap();
    device.ticks(3);
    assert_eq!(device.messages().len(), 1);
    assert_eq!(device.status(), Some("alone"));
    device.event(Event::Connected).unwrap();
    assert_eq!(device.messages().len(), 3);
    device.run(Duration::from_millis(150));
    let seconds: Vec<Value> = device
        .on("m")
        .iter()
        .map(|message| message["at"].as_str().unwrap()[17..19].into())
        .collect();
    assert_eq!(seconds, ["00", "01", "02", "03"]);
    assert_eq!(device.status(), Some("ok"));
}

#[test]
fn an_offline_status_takes_the_connection_and_gives_it_back() {
    let mut device = device(json!({
        "messages": { "m": { "text": "{{ sequence }}" } },
        "start": "on",
        "statuses": {
            "on": { "transitions": [{ "to": "off", "after": "1500ms" }] },
            "off": { "link": "offline", "transitions": [{ "to": "away", "after": "2s" }] },
            "away": { "link": { "vanish": "7s" }, "transitions": [{ "to": "on", "after": "10s" }] },
        },
    }));
    device.run(Duration::from_secs(5));
    let born = Setup::default().born;
    let links: Vec<(f64, Link)> = device
        .links()
        .iter()
        .map(|(at, link)| (at.since(born).as_secs_f64(), *link))
        .collect();
    let [(gone, Link::Vanish(long)), (away, Link::Vanish(seven))] = links.as_slice() else {
        panic!("{links:?}");
    };
    assert_eq!((*gone, *away), (1.5, 3.5));
    assert!(*long > Duration::from_hours(24));
    assert_eq!(*seven, Duration::from_secs(7));
    // Nothing is made while it is off.
    assert_eq!(moments(&device), [0.0, 1.0, 4.0]);
}

#[test]
fn a_device_that_terminates_sends_its_last_message_first() {
    let mut config = two(json!({ "to": "terminate", "after": "2s", "send": ["bye"] }));
    config["messages"]["bye"] = json!({ "text": "bye", "on-tick": false });
    config["statuses"] = json!({ "a": config["statuses"]["a"] });
    let mut device = device(config);
    device.run(Duration::from_secs(2));
    assert!(device.tick().is_ok());
    assert!(matches!(device.tick(), Err(Error::Retired(_))));
    assert_eq!(device.retired(), Some("status a ended it after 2s"));
    let last = device.messages().last().unwrap();
    assert_eq!(last.message.payload, b"bye");
}

#[test]
fn all_problems_are_reported_at_once_with_paths() {
    every_second();
    group_context(GroupContext {
        channels: Some(vec!["telemetry".into()]),
        downlink: Some(vec![]),
        interval: None,
    });
    let setup = Setup {
        config: json!({
            "fields": {
                "a": { "kind": "field", "name": "b" }, "b": { "kind": "field", "name": "a" },
                "set-point": { "kind": "uniform", "min": 5, "max": 2 },
                "status": { "kind": "counter" },
            },
            "messages": {
                "telemtry": { "json": { "x": "{{ aa }}" } },
                "both": { "channel": "telemetry", "json": 5, "text": "x" },
                "bad": { "channel": "telemetry", "json": "{ \"t\": {{ a }}, }" },
            },
            "start": "on",
            "statuses": {
                "on": { "transitions": [
                    { "to": "nowhere", "after": "1s" },
                    { "to": "on", "probability": 1.5 },
                    { "to": "on", "cron": "0 0 0 30 2 *" },
                    { "to": "on", "cron": "0 0 0 * * *", "zone": "Mars/Base" },
                    { "to": "on" },
                    { "to": "on", "received": { "channel": "command", "path": "$.[" } },
                ] },
                "lost": { "send": ["nothing"], "messages": { "no": { "text": "" } }, "fields": { "c": { "kind": "counter" } } },
            },
            "answers": [{ "received": {}, "set": { "x": "1" } }],
        }),
        ..Setup::default()
    };
    let Err(Error::InvalidConfig(why)) = Trial::<Scenario>::create(&setup) else {
        panic!("it was accepted");
    };
    let mut paths: Vec<&str> = why
        .lines()
        .map(|line| {
            line.split(": ")
                .next()
                .unwrap()
                .strip_prefix("config.")
                .unwrap()
        })
        .collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "answers.0.set.x",
            "fields.a",
            "fields.set-point",
            "fields.set-point.min",
            "fields.status",
            "messages.bad.json",
            "messages.both",
            "messages.telemtry",
            "messages.telemtry.json.x",
            "statuses.lost",
            "statuses.lost.fields.c",
            "statuses.lost.messages.no",
            "statuses.lost.send.0",
            "statuses.on.transitions.0.to",
            "statuses.on.transitions.1.probability",
            "statuses.on.transitions.2.cron",
            "statuses.on.transitions.3.zone",
            "statuses.on.transitions.4",
            "statuses.on.transitions.5.received.channel",
            "statuses.on.transitions.5.received.path",
        ],
        "{why}"
    );
}

#[test]
fn a_status_that_is_missing_is_guessed() {
    let said = refusal(two(json!({ "to": "bb", "after": "1s" })));
    assert_eq!(
        said,
        [
            "config.statuses.a.transitions.0.to: there is no status \"bb\"; did you mean \"b\"?",
            "config.statuses.b: no way leads here from \"a\"; give another status a transition to \"b\", or take it out",
        ]
    );
}
