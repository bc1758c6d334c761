//! Parses JSON with the digits of its numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::key::decimal::canonical;

/// Most levels of lists and objects inside each other, as other readers of JSON have it.
const MAX_DEPTH: usize = 128;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A number in its one spelling, with all digits.
    Number(String),
    Text(String),
    List(Vec<Self>),
    /// The members in the order of their names. Of two with one name, the last counts.
    Object(BTreeMap<String, Self>),
}

impl Json {
    /// Parses a payload. Returns `None` if it is no JSON.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
        Self::read(raw, MAX_DEPTH)
    }

    fn read(raw: &RawValue, depth: usize) -> Option<Self> {
        let text = raw.get();
        let below = depth.checked_sub(1)?;
        Some(match text.as_bytes().first()? {
            b'n' => Self::Null,
            b't' => Self::Bool(true),
            b'f' => Self::Bool(false),
            b'"' => Self::Text(serde_json::from_str(text).ok()?),
            b'[' => {
                let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                let list = list.into_iter().map(|value| Self::read(value, below));
                Self::List(list.collect::<Option<_>>()?)
            }
            b'{' => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let members = members
                    .into_iter()
                    .map(|(name, value)| Some((name, Self::read(value, below)?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            // An exponent beyond all numbers leaves the text as it is.
            _ => Self::Number(canonical(text).unwrap_or_else(|| text.to_owned())),
        })
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Returns whether the value is one number, or true or false.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Bool(_))
    }
}

impl fmt::Display for Json {
    /// Formats a text, a number, or true or false, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(text) | Self::Text(text) => f.write_str(text),
            Self::List(list) => write!(f, "a list of {}", list.len()),
            Self::Object(members) => write!(f, "an object of {}", members.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_digits() {
        let number = |text: &str| match Json::parse(text.as_bytes()) {
            Some(Json::Number(text)) => text,
            other => panic!("{text} is {other:?}"),
        };
        assert_eq!(number("9007199254740993.0"), "9007199254740993");
        assert_eq!(number("18446744073709551616"), "18446744073709551616");
        assert_eq!(number(" 1e400 "), "1e400");
        assert_eq!(number("1e99999999999999999999"), "1e99999999999999999999");
    }

    #[test]
    fn other_texts_are_no_json() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for text in ["", "{", "nul", "{\"a\":\"\\ud800\"}", "[1] 2", &deep] {
            assert_eq!(Json::parse(text.as_bytes()), None);
        }
        assert_eq!(Json::parse(b"\xff"), None);
    }
}
