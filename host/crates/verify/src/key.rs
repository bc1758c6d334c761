//! What a message is known by on both inputs: pairs of something of sent (device, topic, a
//! field of the payload) and something of received (a column, a field of their payload).

use std::borrow::Cow;
use std::fmt;

use serde_json::Value as JsonValue;

use mockfleet_sendlog::{Cell, moment};

use crate::content;
use crate::content::{Content, Digest, Joined};

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

    pub(crate) fn of<'a>(&self, payload: &'a JsonValue) -> Option<&'a JsonValue> {
        let mut value = payload;
        for step in &self.0 {
            value = match value {
                JsonValue::Object(object) => object.get(step)?,
                JsonValue::Array(list) => list.get(step.parse::<usize>().ok()?)?,
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

/// A pair as it was typed: `device=device_id`, `seq=n`, or only `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub(crate) sent: String,
    pub(crate) received: Option<String>,
}

impl Pair {
    /// Reads pairs with commas between them.
    ///
    /// # Errors
    /// What a pair looks like.
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

/// Something of a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SentSide {
    /// One of its columns: device_id, topic, channel or group.
    Column(&'static str),
    Field(Field),
    Payload,
}

/// Something of a received row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReceivedSide {
    Column(String),
    Field(Field),
    Payload,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPart {
    pub(crate) sent: SentSide,
    pub(crate) received: ReceivedSide,
}

impl KeyPart {
    /// As the option `--key` has it; what `--by payload` means has none of its own.
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

/// A payload that was looked at once.
pub(crate) struct Payload<'a> {
    pub(crate) value: Option<&'a JsonValue>,
    pub(crate) content: Content,
    /// Only its bytes count: the log has their hash and nothing else.
    pub(crate) bytes_only: bool,
}

/// The key of a row from its parts; none where one of them is not there.
pub(crate) fn join<'a>(parts: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Digest> {
    let mut joined = Joined::default();
    for part in parts {
        joined.add(&part?);
    }
    Some(joined.done())
}

/// A key as people read it: `device d-1, /seq 7`.
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

/// The key of a row whose own cannot be read: the payload itself.
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

/// A value of a payload in one spelling.
fn spelled(value: &JsonValue) -> Option<String> {
    Some(match value {
        JsonValue::Null => return None,
        JsonValue::String(text) => of_text(text),
        JsonValue::Bool(truth) => truth.to_string(),
        JsonValue::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => content::float(number.as_f64()?),
        },
        JsonValue::Array(_) | JsonValue::Object(_) => format!("{:?}", content::of_value(value)),
    })
}

/// A value of a column in the same spelling.
pub(crate) fn text_of(cell: &Cell<'_>) -> Option<String> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Int(whole) => whole.to_string(),
        Cell::Float(number) => content::float(*number),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Time(at) => format!("T{at}"),
        Cell::Text(text) => of_text(text),
        Cell::Bytes(_) => of_text(&cell.text()?),
    })
}

/// A text that says a moment or a number is that: columns often know no better.
fn of_text(text: &str) -> String {
    if let Some(at) = moment(text) {
        return format!("T{at}");
    }
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_number = matches!(digits, [b'0'] | [b'0', b'.', ..] | [b'1'..=b'9', ..]);
    match text.parse::<i64>() {
        Ok(whole) if is_number => whole.to_string(),
        _ => match text.parse::<f64>() {
            Ok(number) if is_number && number.is_finite() => content::float(number),
            _ => text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_in_a_payload_and_in_a_column() {
        let payload: JsonValue = serde_json::from_str(
            r#"{"seq":17,"at":"2026-11-24T07:00:00.5Z","id":"007","meta":{"n":[1,2]}}"#,
        )
        .unwrap();
        let sent = |field: &str| spelled(Field::parse(field).of(&payload).unwrap());
        let received = |cell: Cell<'_>| text_of(&cell);
        assert_eq!(sent("seq"), received(Cell::Text("17".into())));
        assert_eq!(sent("seq"), received(Cell::Float(17.0)));
        assert_eq!(sent("at"), received(Cell::Time(1_795_503_600_500_000)));
        assert_eq!(sent("id"), received(Cell::Text("007".into())));
        assert_ne!(sent("id"), received(Cell::Int(7)));
        assert_eq!(sent("/meta/n/1"), received(Cell::Int(2)));
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
