//! Converts one value of a table to text, bytes, numbers and times.

use std::borrow::Cow;

use jiff::Timestamp;
use mockfleet_datafile::{TimeForm, TimeUnit, epoch_micros, parse_time};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum TableValue<'a> {
    /// No value.
    Null,
    /// Text. JSON objects and lists are text, exactly as they are written.
    Text(Cow<'a, str>),
    /// Bytes that are no text.
    Bytes(Cow<'a, [u8]>),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A time, in microseconds since 1970, UTC.
    Time(i64),
}

impl TableValue<'_> {
    /// Returns the value as bytes, as a message carries it.
    #[must_use]
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Self::Bytes(bytes) => Cow::Borrowed(bytes.as_ref()),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
            other => Cow::Owned(other.text()?.into_owned().into_bytes()),
        })
    }

    /// Returns the value as text. Invalid UTF-8 is replaced by the replacement character.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes),
            Self::Int(number) => number.to_string().into(),
            Self::Float(number) => number.to_string().into(),
            Self::Bool(truth) => truth.to_string().into(),
            Self::Time(at) => Timestamp::from_microsecond(*at).ok()?.to_string().into(),
        })
    }

    /// Returns the value as microseconds since 1970.
    ///
    /// Converts timestamps, texts like `2026-11-24T07:00:00.5Z` (without a zone: UTC), and
    /// numbers since 1970. The size of a number shows its unit.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.time_in(None)
    }

    /// Returns the value as microseconds since 1970, with the unit of a number.
    #[must_use]
    pub fn time_in(&self, unit: Option<TimeUnit>) -> Option<i64> {
        let parse = |text: &str| {
            let form = TimeForm {
                unit,
                ..TimeForm::default()
            };
            parse_time(text, form)
        };
        match self {
            Self::Time(at) => Some(*at),
            Self::Int(number) => match unit {
                None => Some(epoch_micros(*number)),
                Some(_) => parse(&number.to_string()),
            },
            Self::Float(number) => parse(&number.to_string()),
            Self::Text(text) => parse(text),
            Self::Null | Self::Bytes(_) | Self::Bool(_) => None,
        }
    }

    /// Returns the value as a whole number.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

/// Parses a date and time to microseconds since 1970. Returns `None` for a text shorter than
/// `2026-11-24 07:00:00`.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let looks = text.len() >= 19
        && text.as_bytes().get(4) == Some(&b'-')
        && matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    if looks {
        parse_time(text, TimeForm::default())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_however_a_table_writes_them() {
        let at = 1_795_503_600_250_000;
        for text in [
            "2026-11-24T07:00:00.25Z",
            "2026-11-24 07:00:00.25+00",
            "2026-11-24 08:00:00.250000+01:00",
            "2026-11-24T08:00:00.250000Z+0100",
            "2026-11-24 07:00:00.25",
            "2026-11-24 07:00:00,25",
            "2026-11-24 07:00:00.25 UTC",
            "1795503600,25",
            "1795503600.25",
            "1795503600250",
        ] {
            assert_eq!(TableValue::Text(text.into()).time(), Some(at), "{text}");
        }
        assert_eq!(
            TableValue::Int(1_795_503_600).time(),
            Some(1_795_503_600_000_000)
        );
        assert_eq!(TableValue::Int(1_795_503_600_250_000_000).time(), Some(at));
        assert_eq!(TableValue::Float(1_795_503_600.25).time(), Some(at));
        assert_eq!(TableValue::Text("soon".into()).time(), None);
        let millis = |value: &TableValue<'_>| value.time_in(Some(TimeUnit::Millis));
        assert_eq!(millis(&TableValue::Int(1_500)), Some(1_500_000));
        assert_eq!(millis(&TableValue::Text("0.25".into())), Some(250));
    }
}
