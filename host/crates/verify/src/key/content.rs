//! Digests payloads for comparison: their bytes, and their JSON value.
//!
//! JSON that a database has formatted again is not altered.

use crate::key::json::Json;
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

    pub(crate) fn of(bytes: &[u8], value: Option<&Json>) -> Self {
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
pub(crate) fn of_value(value: &Json) -> Digest {
    let mut joined = Joined::default();
    add(value, &mut joined);
    joined.done()
}

fn add(value: &Json, joined: &mut Joined) {
    match value {
        Json::Null => joined.add(b"n"),
        Json::Bool(truth) => joined.add(if *truth { b"t" } else { b"f" }),
        Json::Number(number) => {
            joined.add(b"#");
            joined.add(number.as_bytes());
        }
        Json::Text(text) => {
            joined.add(b"s");
            joined.add(text.as_bytes());
        }
        Json::List(list) => {
            joined.add(b"[");
            list.iter().for_each(|value| add(value, joined));
            joined.add(b"]");
        }
        Json::Object(members) => {
            joined.add(b"{");
            for (key, value) in members {
                joined.add(key.as_bytes());
                add(value, joined);
            }
            joined.add(b"}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Content {
        Content::of(text.as_bytes(), Json::parse(text.as_bytes()).as_ref())
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
    fn numbers_are_compared_digit_by_digit() {
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
            (
                r#"{"t":0.1000000000000000055511151231257827}"#,
                r#"{"t":0.1}"#,
            ),
        ] {
            assert!(!content(left).is_same(&content(right)), "{left} {right}");
        }
        for (left, right) in [
            (
                r#"{ "n": 18446744073709551615, "t": "99999999999999999999" }"#,
                r#"{"n":18446744073709551615,"t":"99999999999999999999"}"#,
            ),
            (r#"{"n":9007199254740993.0}"#, r#"{"n": 9007199254740993}"#),
            (
                r#"{"n":9.007199254740993e+15}"#,
                r#"{"n":9007199254740993.0}"#,
            ),
        ] {
            assert!(content(left).is_same(&content(right)), "{left} {right}");
        }
    }
}
