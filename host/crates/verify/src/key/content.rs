//! Digests payloads for comparison: their bytes, and their JSON value.
//!
//! JSON that a database has formatted again is not altered.

use serde_json::Value as JsonValue;
use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256. Among a trillion payloads, no two share it by chance.
pub(crate) type Digest = [u8; 16];

/// The identity of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Content {
    /// Digest of the bytes; `None` if the log has cut or omitted them.
    raw: Option<Digest>,
    /// The digest of the JSON value.
    value: Option<Digest>,
}

impl Content {
    /// The identity of an unknown payload, which counts as unaltered.
    pub(crate) const UNKNOWN: Self = Self {
        raw: None,
        value: None,
    };

    pub(crate) fn of(bytes: &[u8], value: Option<&JsonValue>) -> Self {
        Self {
            raw: Some(digest(bytes)),
            value: value.map(of_value),
        }
    }

    /// Returns the identity of a payload that the log has as `sha256:…`.
    pub(crate) fn of_hash(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let mut raw = Digest::default();
        for (place, byte) in raw.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Self {
            raw: Some(raw),
            value: None,
        })
    }

    /// Returns the digest for a key: that of the JSON value, or else of the bytes.
    pub(crate) fn name(&self, bytes_only: bool) -> Option<Digest> {
        self.value.filter(|_| !bytes_only).or(self.raw)
    }

    /// Returns whether the payload is known.
    pub(crate) fn is_known(&self) -> bool {
        self.raw.is_some()
    }

    /// Returns whether the payload equals the sent one.
    pub(crate) fn is_same(&self, sent: &Self) -> bool {
        let Some(raw) = sent.raw else {
            return true;
        };
        self.raw.is_none_or(|mine| mine == raw)
            || sent.value.is_some_and(|value| self.value == Some(value))
    }
}

/// Parses a payload as JSON. Returns `None` for other bytes, and for JSON with a whole number
/// that 64 bits do not hold: then only the bytes are compared, since the number would become
/// another one.
pub(crate) fn parse(bytes: &[u8]) -> Option<JsonValue> {
    let value = serde_json::from_slice(bytes).ok()?;
    (!has_long_whole_number(bytes)).then_some(value)
}

/// Returns whether JSON has a whole number that neither 64 bits nor a float keep.
fn has_long_whole_number(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'0'..=b'9'))
    {
        let token = rest.get(at..).unwrap_or_default();
        let length = if token.first() == Some(&b'"') {
            text_length(token)
        } else {
            let in_number =
                |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
            let length = token.iter().take_while(in_number).count();
            let number = token.get(..length).unwrap_or_default();
            if std::str::from_utf8(number).is_ok_and(is_long_whole) {
                return true;
            }
            length
        };
        rest = token.get(length..).unwrap_or_default();
    }
    false
}

/// Returns the length of a JSON text with its quotes.
fn text_length(json: &[u8]) -> usize {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

/// Returns whether a number without sign is whole, and neither in 64 bits nor in a float.
fn is_long_whole(number: &str) -> bool {
    const SAFE_DIGITS: usize = 15;
    let (mantissa, _) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + fraction.trim_end_matches('0').len();
    let is_whole = fraction.trim_end_matches('0').is_empty();
    is_whole && digits > SAFE_DIGITS && number.parse::<u64>().is_err()
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    half(Sha256::digest(bytes))
}

fn half(whole: impl AsRef<[u8]>) -> Digest {
    let mut half = Digest::default();
    for (to, from) in half.iter_mut().zip(whole.as_ref()) {
        *to = *from;
    }
    half
}

/// Joins digests and texts into one digest. Each has its length, so that different lists
/// differ.
#[derive(Default)]
pub(crate) struct Joined(Sha256);

impl Joined {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn done(self) -> Digest {
        half(self.0.finalize())
    }
}

/// Returns the digest of a value. It is the same for any order of keys and any spelling of a
/// number.
pub(crate) fn of_value(value: &JsonValue) -> Digest {
    let mut joined = Joined::default();
    add(value, &mut joined);
    joined.done()
}

fn add(value: &JsonValue, joined: &mut Joined) {
    match value {
        JsonValue::Null => joined.add(b"n"),
        JsonValue::Bool(truth) => joined.add(if *truth { b"t" } else { b"f" }),
        JsonValue::Number(_) => {
            joined.add(b"#");
            joined.add(number(value).unwrap_or_default().as_bytes());
        }
        JsonValue::String(text) => {
            joined.add(b"s");
            joined.add(text.as_bytes());
        }
        JsonValue::Array(list) => {
            joined.add(b"[");
            list.iter().for_each(|value| add(value, joined));
            joined.add(b"]");
        }
        JsonValue::Object(object) => {
            joined.add(b"{");
            let mut keys: Vec<_> = object.iter().collect();
            keys.sort_unstable_by_key(|(key, _)| *key);
            for (key, value) in keys {
                joined.add(key.as_bytes());
                add(value, joined);
            }
            joined.add(b"}");
        }
    }
}

/// Returns a number in one spelling: `1e2`, `100.0` and `100` are the same.
pub(crate) fn number(value: &JsonValue) -> Option<String> {
    if let Some(whole) = value.as_i64() {
        return Some(whole.to_string());
    }
    match value.as_u64() {
        Some(whole) => Some(whole.to_string()),
        None => value.as_f64().map(float),
    }
}

pub(crate) fn float(number: f64) -> String {
    // Every whole number of this size is exact, and its text has no fraction.
    if number.fract() == 0.0 && number.abs() < 9e15 {
        format!("{number:.0}").replace("-0", "0")
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        let value: Option<JsonValue> = serde_json::from_str(text).ok();
        Content::of(text.as_bytes(), value.as_ref())
    }

    #[test]
    fn json_that_was_written_anew_is_not_altered() {
        let sent = content(r#"{"seq":7,"t":21.50,"tags":["a","b"],"at":1e2}"#);
        let anew = content(r#"{"at": 100, "t": 21.5, "seq": 7.0, "tags": ["a", "b"]}"#);
        assert!(anew.is_same(&sent));
        for other in [
            r#"{"seq":7,"t":21.5,"tags":["b","a"],"at":100}"#,
            r#"{"seq":7,"t":21.6,"tags":["a","b"],"at":100}"#,
            r#"{"seq":"7","t":21.5,"tags":["a","b"],"at":100}"#,
            r#"{"seq":7,"t":21.5,"tags":["a","b"]}"#,
            "not json",
        ] {
            assert!(!content(other).is_same(&sent), "{other}");
        }
    }

    #[test]
    fn a_hash_proves_the_bytes() {
        let sum = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let sent = Content::of_hash(sum).unwrap();
        assert!(content("abc").is_same(&sent));
        assert!(!content("abd").is_same(&sent));
        assert_eq!(Content::of_hash("sha256:short"), None);
        assert!(content("abc").is_same(&Content::UNKNOWN));
    }

    #[test]
    fn long_whole_numbers_are_compared_digit_by_digit() {
        let content = |text: &str| Content::of(text.as_bytes(), parse(text.as_bytes()).as_ref());
        for (left, right) in [
            (
                r#"{"n":18446744073709551615}"#,
                r#"{"n":18446744073709551614}"#,
            ),
            (
                r#"{"n":18446744073709551616}"#,
                r#"{"n":18446744073709551617}"#,
            ),
            (r#"{"n":9007199254740993.0}"#, r#"{"n": 9007199254740992}"#),
        ] {
            assert!(!content(left).is_same(&content(right)), "{left} {right}");
        }
        let spaced = content(r#"{ "n": 18446744073709551615, "t": "99999999999999999999" }"#);
        let sent = content(r#"{"n":18446744073709551615,"t":"99999999999999999999"}"#);
        assert!(spaced.is_same(&sent));
        let measured = content(r#"{"t":0.1000000000000000055511151231257827}"#);
        assert!(measured.is_same(&content(r#"{"t": 0.1}"#)));
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(float(-0.0), "0");
        assert_eq!(float(-10.0), "-10");
        assert_eq!(float(0.1), "0.1");
    }
}
