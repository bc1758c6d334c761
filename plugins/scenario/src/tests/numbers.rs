//! Tests that numbers keep their digits from the settings to the payload.

use serde_json::json;

use crate::tests::support::{device, refusal};

#[test]
fn whole_numbers_of_64_bits_are_exact_from_settings_to_payload() {
    let mut device = device(json!({
        "fields": {
            "most": { "kind": "constant", "value": u64::MAX },
            "next": { "kind": "expression", "expression": "most - 1" },
            "past": { "kind": "expression", "expression": "most + 1" },
            "larger": { "kind": "expression", "expression": "max(9007199254740993, 3)" },
            "text": { "kind": "text", "template": "{{ most }}" },
        },
        "variables": { "first": 9_223_372_036_854_775_808_u64 },
        "messages": {
            "m": { "json": { "most": "{{ most }}", "next": "{{ next }}", "larger": "{{ larger }}", "text": "{{ text }}", "first": "{{ first }}", "fixed": u64::MAX } },
            "past": { "text": "{{ past }}" },
            "bytes": { "binary": [{ "type": "unsigned", "bits": 64, "value": "{{ next }}" }] },
        },
    }));
    device.ticks(1);
    assert_eq!(
        device.on("m"),
        [json!({
            "most": u64::MAX, "next": u64::MAX - 1, "larger": 9_007_199_254_740_993_i64,
            "text": u64::MAX.to_string(), "first": 9_223_372_036_854_775_808_u64, "fixed": u64::MAX,
        })]
    );
    let payload = |channel: &str| {
        let mut messages = device.messages().iter();
        let sent = messages.find(|sent| sent.message.channel == channel);
        sent.unwrap().message.payload.clone()
    };
    assert_eq!(payload("past"), b"18446744073709551616");
    assert_eq!(payload("bytes"), (u64::MAX - 1).to_be_bytes());
}

#[test]
fn number_that_a_generator_would_round_is_refused_with_its_key() {
    let long = 9_007_199_254_740_993_i64;
    let lines = refusal(json!({
        "fields": {
            "w": { "kind": "walk", "start": long, "step": 0 },
            "c": { "kind": "curve", "points": [{ "at": "0s", "value": long }] },
            "n": { "kind": "counter", "until": u64::MAX },
        },
        "messages": { "m": { "text": "" } },
        "statuses": { "on": { "fields": { "w": { "kind": "normal", "mean": long, "deviation": 0 } } } },
    }));
    let paths: Vec<&str> = lines
        .iter()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "config.fields.c.points.0.value",
            "config.fields.n.until",
            "config.fields.w.start",
            "config.statuses.on.fields.w.mean",
        ]
    );
}

#[test]
fn received_number_equals_one_of_the_same_digits_only() {
    let id = 1_688_888_483_063_664_642_u64;
    let mut device = device(json!({
        "messages": { "m": { "json": "{{ value }}", "on-tick": false } },
        "answers": [{ "received": { "path": "$.id", "equals": id }, "send": ["m"] }],
    }));
    device.ticks(1);
    device.receive("command", &json!({ "id": id + 1 }));
    device.receive("command", &json!({ "id": id }));
    assert_eq!(device.on("m"), [json!(id)]);
}

#[test]
fn field_has_one_type_with_decimals_and_without() {
    let mut device = device(json!({
        "fields": {
            "rounded": { "kind": "expression", "expression": "30 if sequence == 0 else 28.2", "decimals": 2 },
            "whole": { "kind": "expression", "expression": "30.2 if sequence == 0 else 28", "decimals": 0 },
            "higher": { "kind": "expression", "expression": "max(3, 5)" },
            "mixed": { "kind": "expression", "expression": "max(3, 2.5)" },
        },
        "messages": { "m": { "csv": { "columns": ["{{ rounded }}", "{{ whole }}", "{{ higher }}", "{{ mixed }}"] } } },
    }));
    device.ticks(2);
    let lines: Vec<&[u8]> = device
        .messages()
        .iter()
        .map(|sent| sent.message.payload.as_slice())
        .collect();
    assert_eq!(lines, [b"30.0,30,5,3.0\r\n", b"28.2,28,5,3.0\r\n"]);
}
