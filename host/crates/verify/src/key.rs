//! What a message is known by on both sides: pairs of something of ours (device, topic, a
//! field of the payload) and something of theirs (a column, a field of their payload).

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::content::{self, Content, Digest, Joined};
use mockfleet_sendlog::{TableValue, parse_timestamp};

/// A field of a payload: `seq`, `meta.n`, or `/meta/n` (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field(Vec<String>);

impl Field {
    pub(super) fn parse(text: &str) -> Self {
        Self(match text.strip_prefix('/') {
            Some(pointer) => pointer
                .split('/')
                .map(|step| step.replace("~1", "/").replace("~0", "~"))
                .collect(),
            None => text.split('.').map(str::to_owned).collect(),
        })
    }

    pub(super) fn of<'a>(&self, payload: &'a Value) -> Option<&'a Value> {
        let mut value = payload;
        for step in &self.0 {
            value = match value {
                Value::Object(object) => object.get(step)?,
                Value::Array(list) => list.get(step.parse::<usize>().ok()?)?,
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
    pub(super) ours: String,
    pub(super) theirs: Option<String>,
}

impl Pair {
    /// Reads pairs with commas between them.
    ///
    /// # Errors
    /// What a pair looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ours, theirs) = match text.split_once('=') {
            Some((ours, theirs)) => (ours.trim(), Some(theirs.trim())),
            None => (text.trim(), None),
        };
        if ours.is_empty() || theirs == Some("") {
            return Err("a key is what the log has, = and what the received table has: device=device_id,seq=seq".into());
        }
        Ok(Self {
            ours: ours.to_owned(),
            theirs: theirs.map(str::to_owned),
        })
    }
}

/// Something of a row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ours {
    /// One of its columns: device_id, topic, channel or group.
    Column(&'static str),
    Field(Field),
    Payload,
}

/// Something of a received row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Theirs {
    Column(String),
    Field(Field),
    Payload,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) ours: Ours,
    pub(super) theirs: Theirs,
}

impl Settled {
    /// As the option `--key` has it; what `--by payload` means has none of its own.
    pub(super) fn option(&self) -> Option<String> {
        let ours = match &self.ours {
            Ours::Column("device_id") => "device".into(),
            Ours::Column(name) => (*name).to_owned(),
            Ours::Field(field) => field.to_string(),
            Ours::Payload => return None,
        };
        let theirs = match &self.theirs {
            Theirs::Column(name) => name.clone(),
            Theirs::Field(field) => field.to_string(),
            Theirs::Payload => return None,
        };
        Some(format!("{ours}={theirs}"))
    }
}

/// A payload that was looked at once.
pub(super) struct Payload<'a> {
    pub(super) value: Option<&'a Value>,
    pub(super) content: Content,
    /// Only its bytes count: the log has their hash and nothing else.
    pub(super) bytes_only: bool,
}

/// The key of a row from its parts; none where one of them is not there.
pub(super) fn join<'a>(parts: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Option<Digest> {
    let mut joined = Joined::default();
    for part in parts {
        joined.add(&part?);
    }
    Some(joined.done())
}

/// A key as people read it: `device d-1, /seq 7`.
pub(super) fn shown<'a, 'b>(
    key: &'b [Settled],
    part: impl Fn(&'b Settled) -> Option<Cow<'a, [u8]>>,
) -> String {
    let shown = key.iter().map(|one| {
        let name = match &one.ours {
            Ours::Column("device_id") => "device".to_owned(),
            Ours::Column(name) => (*name).to_owned(),
            Ours::Field(field) => field.to_string(),
            Ours::Payload => return "its payload".to_owned(),
        };
        let value = part(one).unwrap_or_default();
        format!("{name} {:?}", String::from_utf8_lossy(&value))
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The key of a row whose own cannot be read: the payload itself.
pub(super) fn by_bytes(payload: &Payload<'_>) -> Digest {
    let mut joined = Joined::default();
    joined.add(b"the payload itself");
    joined.add(&payload.content.name(payload.bytes_only).unwrap_or_default());
    joined.done()
}

impl Payload<'_> {
    pub(super) fn field(&self, field: &Field) -> Option<Cow<'static, [u8]>> {
        Some(spelled(field.of(self.value?)?)?.into_bytes().into())
    }

    pub(super) fn whole(&self) -> Option<Cow<'static, [u8]>> {
        let name = self.content.name(self.bytes_only)?;
        Some(name.to_vec().into())
    }
}

/// A value of a payload in one spelling.
fn spelled(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => of_text(text),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => content::float(number.as_f64()?),
        },
        Value::Array(_) | Value::Object(_) => format!("{:?}", content::of_value(value)),
    })
}

/// A value of a column in the same spelling.
pub(super) fn of_cell(cell: &TableValue<'_>) -> Option<String> {
    Some(match cell {
        TableValue::Null => return None,
        TableValue::Int(whole) => whole.to_string(),
        TableValue::Float(number) => content::float(*number),
        TableValue::Bool(truth) => truth.to_string(),
        TableValue::Time(at) => format!("T{at}"),
        TableValue::Text(text) => of_text(text),
        TableValue::Bytes(_) => of_text(&cell.text()?),
    })
}

/// A text that says a moment or a number is that: columns often know no better.
fn of_text(text: &str) -> String {
    if let Some(at) = parse_timestamp(text) {
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
        let payload: Value = serde_json::from_str(
            r#"{"seq":17,"at":"2026-11-24T07:00:00.5Z","id":"007","meta":{"n":[1,2]}}"#,
        )
        .unwrap();
        let ours = |field: &str| spelled(Field::parse(field).of(&payload).unwrap());
        let theirs = |cell: TableValue<'_>| of_cell(&cell);
        assert_eq!(ours("seq"), theirs(TableValue::Text("17".into())));
        assert_eq!(ours("seq"), theirs(TableValue::Float(17.0)));
        assert_eq!(ours("at"), theirs(TableValue::Time(1_795_503_600_500_000)));
        assert_eq!(ours("id"), theirs(TableValue::Text("007".into())));
        assert_ne!(ours("id"), theirs(TableValue::Int(7)));
        assert_eq!(ours("/meta/n/1"), theirs(TableValue::Int(2)));
        assert_eq!(Field::parse("meta.n").to_string(), "/meta/n");
    }

    #[test]
    fn a_pair_is_ours_and_theirs() {
        let pair = Pair::parse("seq = n").unwrap();
        assert_eq!(
            (pair.ours.as_str(), pair.theirs.as_deref()),
            ("seq", Some("n"))
        );
        assert_eq!(Pair::parse("seq").unwrap().theirs, None);
        assert!(Pair::parse("=n").is_err() && Pair::parse("seq=").is_err());
    }
}
