//! Tests payloads with two names, and helps the tests of each format.

use serde_json::{Value, json};

use mockfleet_sdk::Problem;
use mockfleet_sdk::generate::PartPath;

use crate::config;
use crate::payload::payload_format::Payload;
use crate::payload::template_context::NameResolver;

/// Two names, `a` and `b`.
struct TwoNames;

impl NameResolver for TwoNames {
    fn position(&self, name: &str) -> Result<usize, String> {
        ["a", "b"]
            .iter()
            .position(|known| *known == name)
            .ok_or_else(|| format!("there is no {name:?}"))
    }

    fn missing_part(&self, _: usize, _: &PartPath) -> Option<String> {
        None
    }
}

fn read(written: Value) -> Result<Payload, Vec<Problem>> {
    let written: config::message::Override = serde_json::from_value(written).unwrap();
    let mut problems = Vec::new();
    let payload = Payload::read(written.payload(), &TwoNames, &mut problems);
    payload.filter(|_| problems.is_empty()).ok_or(problems)
}

pub(super) fn payload(written: Value) -> Result<Payload, Vec<(String, String)>> {
    read(written).map_err(|problems| {
        let problems = problems.into_iter();
        problems
            .map(|problem| (problem.path, problem.text))
            .collect()
    })
}

pub(super) fn problems_of(written: Value) -> Vec<(String, String)> {
    payload(written).map(drop).unwrap_err()
}

#[test]
fn a_text_is_filled_in_and_nothing_stands_for_nothing() {
    let payload = payload(json!({ "text": "T={{ a }};H={{b}}{{ b.x }}" })).unwrap();
    let values = [21.5.into(), mockfleet_sdk::generate::Value::Null];
    assert_eq!(payload.write(&values).unwrap(), b"T=21.5;H=");
    assert_eq!(payload.reads(), [0, 1]);
}

#[test]
fn payload_needs_exactly_one_format() {
    let both = problems_of(json!({ "text": "x", "json": 5 }));
    assert_eq!(both, problems_of(json!({})));
    let unknown = problems_of(json!({ "json": { "x": ["{{ c }}", "{{ d"] } }));
    assert_eq!(unknown[0], ("json.x.0".into(), "there is no \"c\"".into()));
    assert_eq!(unknown[1].0, "json.x.1");
}
