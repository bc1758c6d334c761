//! Parses and writes durations such as `1h30m` and shifts such as `-90s`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::{Instant, micros};

/// The names of the units and their microseconds, from the shortest to the longest.
const UNITS: [(&str, u64); 7] = [
    ("us", 1),
    ("µs", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("m", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
];

const EXPECTED: &str = "a duration is a number with a unit, such as \"500ms\", \"10s\" or \"1h30m\" (us, ms, s, m, h, d)";

/// A duration in microseconds. Written `500ms`, `10s`, `1h30m`, `1.5d`; a day has 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(u64);

impl Span {
    /// A span of this many microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Its microseconds.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    pub(crate) const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// Parses `500ms`, `10s`, `1h 30m`.
    ///
    /// # Errors
    /// A sentence that describes a duration.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        let mut total = 0_u64;
        if rest.is_empty() {
            return Err(EXPECTED.to_owned());
        }
        while !rest.is_empty() {
            let (part, after) = parse_component(rest).ok_or(EXPECTED)?;
            total = total.checked_add(part).ok_or(EXPECTED)?;
            rest = after.trim_start();
        }
        Ok(Self(total))
    }
}

/// Parses a number with its unit: returns the microseconds and the rest of the text.
fn parse_component(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let length = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut micros = whole.parse::<u64>().ok()?.checked_mul(length)?;
    let mut worth = u128::from(length);
    // Digit by digit: exact, where a float would not be.
    let mut below = 0_u128;
    let mut scale = 1_u128;
    for digit in fraction.chars().take(15) {
        below = below * 10 + u128::from(digit.to_digit(10)?);
        scale *= 10;
    }
    worth = worth * below / scale;
    micros = micros.checked_add(u64::try_from(worth).ok()?)?;
    Some((micros, rest))
}

impl From<Duration> for Span {
    fn from(length: Duration) -> Self {
        Self(micros(length))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0)
    }
}

impl fmt::Display for Span {
    /// Writes the largest units first: `1h30m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, length) in UNITS.iter().rev().filter(|(unit, _)| *unit != "µs") {
            if rest >= *length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time: a number with a unit (us, ms, s, m, h, d), or several of them.",
            "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|h|d)\s*)+$",
            "examples": ["500ms", "10s", "1h30m"],
        })
    }
}

/// A duration forward or, with a minus, back: `-90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shift(i64);

impl Shift {
    /// A shift of this many microseconds; below zero for back in time.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Parses `90s`, `+90s`, `-1h30m`.
    ///
    /// # Errors
    /// A sentence that describes a shift.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (back, length) = match text.strip_prefix('-') {
            Some(length) => (true, length),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let length = Span::parse(length)
            .ok()
            .and_then(|span| i64::try_from(span.0).ok())
            .ok_or("a shift is a duration with or without a sign, such as \"90s\" or \"-1h30m\" (us, ms, s, m, h, d)")?;
        Ok(Self(if back { -length } else { length }))
    }

    /// The instant after this shift, or before it; never before 1970.
    #[must_use]
    pub const fn apply(self, to: Instant) -> Instant {
        Instant::from_micros(to.micros().saturating_add_signed(self.0))
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        Span(self.0.unsigned_abs()).fmt(f)
    }
}

impl Serialize for Shift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Shift {
    fn schema_name() -> Cow<'static, str> {
        "Shift".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time forward or, with a minus, back.",
            "pattern": r"^\s*[-+]?([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|h|d)\s*)+$",
            "examples": ["90s", "-1h30m"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_the_fleet_file_and_written_back() {
        let read = |text| Span::parse(text).map(Span::micros);
        assert_eq!(read("1h30m"), Ok(5_400_000_000));
        assert_eq!(read("1.5h"), Ok(5_400_000_000));
        assert_eq!(read(" 2 s 250ms"), Ok(2_250_000));
        assert_eq!(read("0.000001s"), Ok(1));
        assert_eq!(read("0s"), Ok(0));
        for wrong in [
            "",
            "10",
            "s",
            "-1s",
            "1 month",
            "1..5s",
            ".s",
            "1e3s",
            "99999999999d",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for text in ["1h30m", "1d", "250ms", "1us", "0s"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn shifts_go_both_ways_and_not_before_1970() {
        let read = |text| Shift::parse(text).map(|shift| shift.0);
        assert_eq!(read("-1m30s"), Ok(-90_000_000));
        assert_eq!(read("+1s"), Ok(1_000_000));
        assert!(read("--1s").is_err());
        assert_eq!(Shift(-90_000_000).to_string(), "-1m30s");
        let early = Instant::from_micros(5);
        assert_eq!(Shift(-9).apply(early), Instant::from_micros(0));
        assert_eq!(Shift(2).apply(early), Instant::from_micros(7));
    }
}
