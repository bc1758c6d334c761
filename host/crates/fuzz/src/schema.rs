//! Validates any value against any schema.

use mockfleet_engine::{SchemaError, violations};
use serde_json::Value;

/// The line between the schema and the value.
const SEPARATOR: &str = "\n---\n";

/// Validates a value against a schema, both as JSON texts.
///
/// # Panics
/// A schema or a value is refused without a reason.
pub fn schema(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (schema, value) = text.split_once(SEPARATOR).unwrap_or((text, "{}"));
    check_texts();
    let value: Value = serde_json::from_str(value).unwrap_or(Value::Null);
    match violations(schema, &value) {
        Ok(found) => assert!(found.iter().all(|violation| !violation.text.is_empty())),
        Err(error @ SchemaError::NoJson(_)) => {
            let parsed: Result<Value, _> = serde_json::from_str(schema);
            assert!(parsed.is_err(), "{error}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Checks that an error behind references has its path and names the keys that were meant.
fn check_texts() {
    let schema = r##"{ "properties": { "a": { "$ref": "#/$defs/b" } }, "$defs": { "b": {
        "anyOf": [{ "$ref": "#/$defs/c" }, { "type": "number" }] }, "c": {
        "type": "object", "properties": { "base": {} }, "additionalProperties": false } } }"##;
    let value = serde_json::json!({ "a": { "bse": 1 } });
    let found = violations(schema, &value).expect("a small schema");
    let found: Vec<_> = found
        .iter()
        .map(|violation| format!("{}: {}", violation.path.join("."), violation.text))
        .collect();
    assert_eq!(
        found,
        ["a.bse: unknown key \"bse\"; did you mean \"base\"?"]
    );
}
