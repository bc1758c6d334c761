//! Builds the keys that identify a message on both sides.
//!
//! A key is a list of pairs: a part of the log (device, topic, a field of the payload), and a
//! part of the received row (a column, a field of its payload).

use std::borrow::Cow;
use std::fmt;

use mockfleet_sendlog::{TableValue, parse_timestamp};

use crate::key::content;
use crate::key::content::{Content, Digest, Joined};
use crate::key::decimal::{canonical, of_float};
use crate::key::json::Json;

/// A field of a payload: `seq`, `meta.n`, or `/meta/n` (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field(Vec<String>);

impl Field {
    pub(crate) fn parse(text: &str) -> Self {
        Self(match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(|step| step.replace("~1", "/").replace("~0", "~"))
                .collect(),
            None => text.split('.').map(str::to_owned).collect(),
        })
    }

    pub(crate) fn of<'a>(&self, payload: &'a Json) -> Option<&'a Json> {
        let mut value = payload;
        for step in &self.0 {
            value = match value {
                Json::Object(members) => members.get(step)?,
                Json::List(list) => list.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            write!(f, "/{}", step.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// A pair of `--key`: `device=device_id`, `seq=n`, or only `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub(crate) sent: String,
    pub(crate) received: Option<String>,
}

impl Pair {
    /// Reads one pair.
    ///
    /// # Errors
    /// A side of the pair is missing; the message shows a correct one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (sent, received) = match text.split_once('=') {
            Some((sent, received)) => (sent.trim(), Some(received.trim())),
            None => (text.trim(), None),
        };
        if sent.is_empty() || received == Some("") {
            return Err("a key is what the log has, = and what the received table has: device=device_id,seq=seq".into());
        }
        Ok(Self {
            sent: sent.to_owned(),
            received: received.map(str::to_owned),
        })
    }
}

/// A part of a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SentSide {
    /// A column: device_id, topic, channel or group.
    Column(&'static str),
    Field(Field),
    Payload,
}

/// A part of a received row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReceivedSide {
    Column(String),
    Field(Field),
    Payload,
}

/// One part of the key, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPart {
    pub(crate) sent: SentSide,
    pub(crate) received: ReceivedSide,
}

impl KeyPart {
    /// Returns the part as in the option `--key`; `None` for `--by payload`.
    pub(crate) fn option(&self) -> Option<String> {
        let sent = match &self.sent {
            SentSide::Column("device_id") => "device".into(),
            SentSide::Column(name) => (*name).to_owned(),
            SentSide::Field(field) => field.to_string(),
            SentSide::Payload => return None,
        };
        let received = match &self.received {
            ReceivedSide::Column(name) => name.clone(),
            ReceivedSide::Field(field) => field.to_string(),
            ReceivedSide::Payload => return None,
        };
        Some(format!("{sent}={received}"))
    }
}

/// A payload that is parsed once.
pub(crate) struct Payload<'a> {
    pub(crate) value: Option<&'a Json>,
    pub(crate) content: Content,
    /// Whether only the bytes count, since the log has nothing but their hash.
    pub(crate) bytes_only: bool,
}

/// Joins the parts of a row's key. Returns `None` if a part is missing.
pub(crate) fn join<'a>(parts: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Digest> {
    let mut joined = Joined::default();
    for part in parts {
        joined.add(&part?);
    }
    Some(joined.done())
}

/// Formats a key for messages: `device d-1, /seq 7`.
pub(crate) fn shown<'a, 'b>(
    key: &'b [KeyPart],
    part: impl Fn(&'b KeyPart) -> Option<Cow<'a, [u8]>>,
) -> String {
    let shown = key.iter().map(|one| {
        let name = match &one.sent {
            SentSide::Column("device_id") => "device".to_owned(),
            SentSide::Column(name) => (*name).to_owned(),
            SentSide::Field(field) => field.to_string(),
            SentSide::Payload => return "its payload".to_owned(),
        };
        let value = part(one).unwrap_or_default();
        format!("{name} {:?}", String::from_utf8_lossy(&value))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns the key of a row without a readable key: its payload.
pub(crate) fn by_bytes(payload: &Payload<'_>) -> Digest {
    let mut joined = Joined::default();
    joined.add(b"the payload itself");
    joined.add(&payload.content.name(payload.bytes_only).unwrap_or_default());
    joined.done()
}

impl Payload<'_> {
    pub(crate) fn field(&self, field: &Field) -> Option<Cow<'static, [u8]>> {
        Some(spelled(field.of(self.value?)?)?.into_bytes().into())
    }

    pub(crate) fn whole(&self) -> Option<Cow<'static, [u8]>> {
        let name = self.content.name(self.bytes_only)?;
        Some(name.to_vec().into())
    }
}

/// Converts a value of a payload to its common spelling.
fn spelled(value: &Json) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Text(text) => of_text(text),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => number.clone(),
        Json::List(_) | Json::Object(_) => format!("{:?}", content::of_value(value)),
    })
}

/// Converts a value of a column to the same spelling.
pub(crate) fn text_of(cell: &TableValue<'_>) -> Option<String> {
    Some(match cell {
        TableValue::Null => return None,
        TableValue::Int(whole) => whole.to_string(),
        TableValue::Float(number) => of_float(*number),
        TableValue::Bool(truth) => truth.to_string(),
        TableValue::Time(at) => format!("T{at}"),
        TableValue::Text(text) => of_text(text),
        TableValue::Bytes(_) => of_text(&cell.text()?),
    })
}

/// Converts a text with a time or a number to their common spelling: columns often have only
/// texts.
fn of_text(text: &str) -> String {
    if let Some(at) = parse_timestamp(text) {
        return format!("T{at}");
    }
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_number = matches!(
        digits,
        [b'0'] | [b'0', b'.' | b'e' | b'E', ..] | [b'1'..=b'9', ..]
    );
    match canonical(text) {
        Some(number) if is_number => number,
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_in_a_payload_and_in_a_column() {
        let payload = Json::parse(
            br#"{"seq":17,"at":"2026-11-24T07:00:00.5Z","id":"007","meta":{"n":[1,2]}}"#,
        )
        .unwrap();
        let sent = |field: &str| spelled(Field::parse(field).of(&payload).unwrap());
        let received = |cell: TableValue<'_>| text_of(&cell);
        assert_eq!(sent("seq"), received(TableValue::Text("17".into())));
        assert_eq!(sent("seq"), received(TableValue::Float(17.0)));
        assert_eq!(
            sent("at"),
            received(TableValue::Time(1_795_503_600_500_000))
        );
        assert_eq!(sent("id"), received(TableValue::Text("007".into())));
        assert_ne!(sent("id"), received(TableValue::Int(7)));
        assert_eq!(sent("/meta/n/1"), received(TableValue::Int(2)));
        let largest = Json::Number(u64::MAX.to_string());
        let text = |text: &'static str| received(TableValue::Text(text.into()));
        assert_eq!(spelled(&largest), text("18446744073709551615"));
        assert_ne!(spelled(&largest), text("18446744073709551614"));
        assert_ne!(text("18446744073709551616"), text("18446744073709551617"));
        assert_eq!(text("9007199254740993.0"), text("9007199254740993"));
        assert_ne!(text("9007199254740993.0"), text("9007199254740992"));
        assert_eq!(received(TableValue::Float(-0.0)).as_deref(), Some("0"));
        assert_eq!(Field::parse("meta.n").to_string(), "/meta/n");
    }

    #[test]
    fn pair_has_a_sent_and_a_received_side() {
        let pair = Pair::parse("seq = n").unwrap();
        assert_eq!(
            (pair.sent.as_str(), pair.received.as_deref()),
            ("seq", Some("n"))
        );
        assert_eq!(Pair::parse("seq").unwrap().received, None);
        assert!(Pair::parse("=n").is_err() && Pair::parse("seq=").is_err());
    }
}
