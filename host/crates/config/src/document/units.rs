//! Parses values with units: sizes, rates, durations, times and shares.
//!
//! A number without a unit is refused.

use crate::document::problem::ValueError;
use std::time::Duration;

/// A number of bytes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ByteSize(u64);

/// Binary units first, so that `MiB` is not taken for `B`.
const SIZES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl ByteSize {
    /// Returns a size in bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Reads `64MiB`, `1.5GB`, `512 B`.
    ///
    /// # Errors
    /// The text is no size; the message shows correct ones.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let wanted = || -> ValueError {
            "a size is a number with a unit, such as \"64KiB\", \"128MiB\" or \"1GB\" (B, kB, MB, GB, KiB, MiB, GiB)".into()
        };
        let (number, factor) = SIZES
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?.trim_end(), *factor)))
            .ok_or_else(wanted)?;
        let whole: Option<u64> = number.parse().ok();
        let bytes = match whole {
            Some(whole) => whole.checked_mul(factor).map(Self),
            None => decimal(number)
                .and_then(|n| Duration::try_from_secs_f64(n).ok())
                // A `Duration` has fractions of a second. It carries a fraction of a unit, to
                // the byte, without a cast between floats and integers.
                .and_then(|n| {
                    let nanos = n.as_nanos().checked_mul(u128::from(factor))?;
                    u64::try_from(nanos / 1_000_000_000).ok().map(Self)
                }),
        };
        bytes.ok_or_else(wanted)
    }
}

/// A rate, stored as the interval between two events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(Duration);

const PERIODS: [(&str, f64); 5] = [
    ("s", 1.0),
    ("min", 60.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

impl Rate {
    /// Returns the interval between two events, to the nanosecond.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.0
    }

    /// Reads `60/min`, `5/s`, `0.5/h`.
    ///
    /// # Errors
    /// The text is no rate; the message shows correct ones.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let wanted = || -> ValueError {
            "a rate is a number over a period, such as \"5/s\", \"60/min\" or \"1/h\" (s, min, h, d)"
                .into()
        };
        let (times, period) = text.split_once('/').ok_or_else(wanted)?;
        let times = decimal(times.trim()).ok_or_else(wanted)?;
        let period = PERIODS
            .iter()
            .find(|(name, _)| *name == period.trim())
            .ok_or_else(wanted)?
            .1;
        Self::from_period(times, period).ok_or_else(|| {
            "a rate lies between one in 10 days and a thousand million a second".into()
        })
    }

    fn from_period(times: f64, period: f64) -> Option<Self> {
        let interval = Duration::try_from_secs_f64(period / times).ok()?;
        let bounds = Duration::from_nanos(1)..=Duration::from_secs(864_000);
        bounds.contains(&interval).then_some(Self(interval))
    }
}

/// Reads a rate as times a second; `0/s` is none.
pub(crate) fn parse_rate_or_zero(text: &str) -> Result<f64, ValueError> {
    let none = text.split_once('/').is_some_and(|(times, period)| {
        let known = PERIODS.iter().any(|(name, _)| *name == period.trim());
        known && decimal(times.trim()) == Some(0.0)
    });
    if none {
        return Ok(0.0);
    }
    // Computed from the text: the interval is rounded to nanoseconds.
    Rate::parse(text)?;
    let exact = text.split_once('/').and_then(|(times, period)| {
        let period = PERIODS.iter().find(|(name, _)| *name == period.trim())?.1;
        Some(decimal(times.trim())? / period)
    });
    exact.ok_or_else(|| "a rate is a number over a period".into())
}

/// Returns the seconds of `s`, `min`, `h` or `d`.
pub(crate) fn parse_period(name: &str) -> Option<f64> {
    let found = PERIODS.iter().find(|(known, _)| *known == name.trim());
    found.map(|(_, seconds)| *seconds)
}

/// Reads `500ms`, `10s`, `1h30m`, `2 days`. A day has 24 hours.
///
/// # Errors
/// The text is no duration; the message shows correct ones.
pub fn parse_duration(text: &str) -> Result<Duration, ValueError> {
    let wanted = || -> ValueError {
        "a duration is a number with a unit, such as \"500ms\", \"10s\" or \"1h30m\" (us, ms, s, m, h, d)"
            .into()
    };
    let span: jiff::Span = text.trim().parse().map_err(|_| wanted())?;
    span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .ok()
        .and_then(|length| Duration::try_from(length).ok())
        .ok_or_else(wanted)
}

/// Reads `2026-01-01T00:00:00Z`, `2026-01-01T01:00:00+01:00`, or a date, which means its
/// midnight in UTC.
///
/// # Errors
/// The text is no timestamp; the message shows correct ones.
pub fn parse_timestamp(text: &str) -> Result<jiff::Timestamp, ValueError> {
    let text = text.trim();
    let date = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        // Only a plain date is accepted, since a time without a zone is ambiguous.
        let zone = jiff::tz::Offset::UTC;
        (date.to_string() == text).then(|| zone.to_timestamp(date.at(0, 0, 0, 0)).ok())?
    };
    text.parse().ok().or_else(date).ok_or_else(|| {
        format!(
            "{text:?} is no moment; one has date, time and zone, such as \"2026-01-01T00:00:00Z\", or is a date, such as \"2026-01-01\" (in UTC)"
        )
        .into()
    })
}

/// Reads `5%` as 0.05.
pub(crate) fn parse_share(text: &str) -> Result<f64, ValueError> {
    let wanted = || ValueError::from("a share is a number with a percent sign, such as \"5%\"");
    let number = text.trim().strip_suffix('%').ok_or_else(wanted)?;
    decimal(number.trim_end())
        .map(|percent| percent / 100.0)
        .ok_or_else(wanted)
}

/// Reads digits with at most one point; `inf`, `1e9` and `-0` are refused.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use mockfleet_files::durations::format_duration;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read() {
        let read = |text| ByteSize::parse(text).map(ByteSize::bytes);
        assert_eq!(read("128MiB"), Ok(128 << 20));
        assert_eq!(read("1.5 KiB"), Ok(1536));
        assert_eq!(read("2GB"), Ok(2_000_000_000));
        assert_eq!(read("0B"), Ok(0));
        for wrong in [
            "",
            "12",
            "MiB",
            "-1B",
            "1e3B",
            "99999999999GiB",
            "1 TiB",
            ".",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_read() {
        let read = |text| Rate::parse(text).map(Rate::interval);
        assert_eq!(read("60/min"), Ok(Duration::from_secs(1)));
        assert_eq!(read("2000/s"), Ok(Duration::from_micros(500)));
        assert_eq!(read("0.5/s"), Ok(Duration::from_secs(2)));
        for wrong in ["60", "0/s", "1/year", "-1/s", "/s", "0.000000001/d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["10", "", "-1s", "ten", "1 month"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn moments_are_read() {
        let seconds = |text| parse_timestamp(text).map(jiff::Timestamp::as_second);
        assert_eq!(seconds("2026-01-01T00:00:00Z"), Ok(1_767_225_600));
        assert_eq!(seconds("2026-01-01T01:00:00+01:00"), Ok(1_767_225_600));
        assert_eq!(seconds("2026-01-01"), Ok(1_767_225_600));
        for wrong in [
            "",
            "2026",
            "2026-02-30",
            "2026-01-01T00:00:00",
            "now",
            "20260101",
        ] {
            assert!(parse_timestamp(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_read() {
        assert_eq!(parse_share("5%"), Ok(0.05));
        assert!(parse_share("0.05").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_a_reader_panic(text in ".{0,20}") {
            let _ = (ByteSize::parse(&text), Rate::parse(&text), parse_duration(&text), parse_share(&text));
        }

        #[test]
        fn whole_sizes_are_exact(n in 0u64..1 << 30, unit in 0usize..7) {
            let (name, factor) = SIZES[unit];
            prop_assert_eq!(ByteSize::parse(&format!("{n}{name}")).unwrap().bytes(), n * factor);
        }

        #[test]
        fn durations_survive_their_own_spelling(seconds in 0u64..1_000_000, ms in 0u64..1000) {
            let text = format!("{seconds}s {ms}ms");
            let length = Duration::from_millis(seconds * 1000 + ms);
            prop_assert_eq!(parse_duration(&text), Ok(length));
            prop_assert_eq!(parse_duration(&format_duration(length)), Ok(length));
        }
    }
}
