//! Defines the value of a generator.
//!
//! A value is cheap to copy and writes itself as JSON.

use std::fmt;
use std::rc::Rc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value of a field. It holds numbers and booleans, and shares texts, arrays and objects,
/// so that a copy never copies them.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Value {
    /// No value: the member is left out of its object. In an array, and alone, it is
    /// written as `null`.
    #[default]
    Missing,
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, written without a point.
    Integer(i64),
    /// A whole number above those of [`Value::Integer`].
    Unsigned(u64),
    /// Any other number; always finite when a generator made it.
    Number(f64),
    /// A number with more digits than the other kinds have, as JSON writes it.
    Decimal(Rc<str>),
    /// A text.
    Text(Rc<str>),
    /// Values in order.
    Array(Rc<[Value]>),
    /// Named values, in the order in which they are written.
    Object(Rc<[(Rc<str>, Value)]>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The nearest float of a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "what JSON's readers do, too")]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(whole) => Some(*whole as f64),
            Self::Unsigned(whole) => Some(*whole as f64),
            Self::Number(number) => Some(*number),
            Self::Decimal(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The number of a whole one, with all its digits.
    #[must_use]
    pub fn as_whole(&self) -> Option<i128> {
        match self {
            Self::Integer(whole) => Some((*whole).into()),
            Self::Unsigned(whole) => Some((*whole).into()),
            Self::Decimal(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether it is a number of any kind.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Integer(_) | Self::Unsigned(_) | Self::Number(_) | Self::Decimal(_)
        )
    }

    /// The text of a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The part at a path of member names and positions: `position.lat`, `samples.0`.
    /// The empty path is the value itself.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        let (key, rest) = path.split_once('.').unwrap_or((path, ""));
        self.child(key)?.part(rest)
    }

    /// The part at the end of a way of member names and positions.
    #[must_use]
    pub fn at(&self, parts: &[Rc<str>]) -> Option<&Self> {
        let Some((key, rest)) = parts.split_first() else {
            return Some(self);
        };
        self.child(key)?.at(rest)
    }

    /// The member of this name, or the entry at this position.
    fn child(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find_map(|(name, value)| (**name == *key).then_some(value)),
            Self::Array(values) => values.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The member of this name or, if there is none, the part at this path.
    #[cfg(feature = "files")]
    pub(crate) fn member_or_part(&self, name: &str) -> Option<&Self> {
        let member = match self {
            Self::Object(members) => members.iter().find(|(known, _)| **known == *name),
            _ => None,
        };
        member.map(|(_, value)| value).or_else(|| self.part(name))
    }

    /// Appends the value to a payload, as JSON.
    pub fn write_json(&self, payload: &mut Vec<u8>) {
        match self {
            Self::Missing | Self::Null => payload.extend_from_slice(b"null"),
            Self::Bool(true) => payload.extend_from_slice(b"true"),
            Self::Bool(false) => payload.extend_from_slice(b"false"),
            Self::Array(values) => {
                payload.push(b'[');
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        payload.push(b',');
                    }
                    value.write_json(payload);
                }
                payload.push(b']');
            }
            Self::Object(members) => {
                payload.push(b'{');
                let present = members.iter().filter(|(_, value)| *value != Self::Missing);
                for (place, (name, value)) in present.enumerate() {
                    if place > 0 {
                        payload.push(b',');
                    }
                    write(payload, &**name);
                    payload.push(b':');
                    value.write_json(payload);
                }
                payload.push(b'}');
            }
            Self::Integer(whole) => write(payload, whole),
            Self::Unsigned(whole) => write(payload, whole),
            Self::Number(number) => write(payload, number),
            Self::Decimal(text) => payload.extend_from_slice(text.as_bytes()),
            Self::Text(text) => write(payload, &**text),
        }
    }
}

/// Writes a value with serde. Writing to a `Vec` does not fail.
fn write(payload: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let written = serde_json::to_writer(&mut *payload, value);
    debug_assert!(written.is_ok(), "a Vec takes everything");
}

/// Writes the value as part of a text: numbers as in JSON, texts without quotes, nothing
/// for a missing value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Text(text) => f.write_str(text),
            other => {
                let mut json = Vec::new();
                other.write_json(&mut json);
                f.write_str(&String::from_utf8_lossy(&json))
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing | Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Integer(whole) => serializer.serialize_i64(*whole),
            Self::Unsigned(whole) => serializer.serialize_u64(*whole),
            Self::Number(number) => serializer.serialize_f64(*number),
            // Serde has no numbers of more digits than these.
            Self::Decimal(text) => match text.parse::<i128>() {
                Ok(whole) => serializer.serialize_i128(whole),
                Err(_) => serializer.serialize_f64(text.parse().unwrap_or_default()),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values.iter() {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in members.iter() {
                    if *value != Self::Missing {
                        map.serialize_entry(&**name, value)?;
                    }
                }
                map.end()
            }
        }
    }
}

/// A JSON value. Its numbers are those of `serde_json`: whole ones have up to 64 bits.
impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            serde_json::Value::Number(number) => {
                let whole = number.as_i64().map(Self::Integer);
                whole
                    .or_else(|| number.as_u64().map(Self::Unsigned))
                    .or_else(|| number.as_f64().map(Self::Number))
                    .unwrap_or(Self::Null)
            }
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(values) => {
                Self::Array(values.iter().map(Self::from).collect())
            }
            serde_json::Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| (Rc::from(name.as_str()), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(whole: i64) -> Self {
        Self::Integer(whole)
    }
}

impl From<u64> for Value {
    fn from(whole: u64) -> Self {
        i64::try_from(whole).map_or(Self::Unsigned(whole), Self::Integer)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value) -> String {
        let mut payload = Vec::new();
        value.write_json(&mut payload);
        String::from_utf8(payload).unwrap()
    }

    #[test]
    fn a_value_is_written_as_serde_writes_the_same_json() {
        let source = serde_json::json!({
            "a": [1, -2.5, true, null, "say \"hi\"\n"], "b": {}, "c": 1e300, "d": u64::MAX,
        });
        let value = Value::from(&source);
        assert_eq!(json(&value), serde_json::to_string(&value).unwrap());
        let back: serde_json::Value = serde_json::from_str(&json(&value)).unwrap();
        assert_eq!(back["a"], source["a"]);
        assert_eq!(value.to_string(), json(&value));
    }

    #[test]
    fn missing_value_is_left_out_of_objects_and_null_elsewhere() {
        let members = [
            ("a".into(), Value::Missing),
            ("b".into(), Value::Integer(1)),
        ];
        let object = Value::Object(Rc::from(members));
        assert_eq!(json(&object), r#"{"b":1}"#);
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"b":1}"#);
        let array = Value::Array(Rc::from([Value::Missing]));
        assert_eq!(json(&array), "[null]");
        assert_eq!(Value::Missing.to_string(), "");
    }

    #[test]
    fn parts_are_found_by_name_and_position() {
        let value = Value::from(&serde_json::json!({ "a": [{ "b": 7 }] }));
        assert_eq!(value.part("a.0.b"), Some(&Value::Integer(7)));
        assert_eq!(value.part(""), Some(&value));
        assert_eq!(value.part("a.1"), None);
        assert_eq!(value.part("a.0.b.c"), None);
    }
}
