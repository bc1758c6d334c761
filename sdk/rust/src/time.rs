//! Defines instants on the run's clock and writes them.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Serialize, Serializer};

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// An instant on the run's clock, in microseconds since the Unix epoch, UTC.
///
/// The run's clock may be faster than real time, or start in the past: a behaviour uses the
/// instants of its calls and no other clock. Displayed, and serialised, as RFC 3339 with
/// microseconds: `2026-11-24T07:30:00.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The instant this many microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The time since `earlier`; zero if this is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The whole milliseconds since `earlier`; zero if this is not later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }

    /// The time since midnight, UTC.
    #[must_use]
    pub const fn time_of_day(self) -> Duration {
        Duration::from_micros(self.0 % (SECONDS_PER_DAY * MICROS_PER_SECOND))
    }

    /// Year, month (from 1) and day (from 1) in the Gregorian calendar, UTC.
    ///
    /// After Howard Hinnant, "chrono-compatible low-level date algorithms",
    /// `civil_from_days`; instants before 1970 do not exist here, so all numbers are
    /// unsigned.
    #[must_use]
    pub const fn date(self) -> (u64, u64, u64) {
        let days = self.0 / MICROS_PER_SECOND / SECONDS_PER_DAY + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // The year starts in March, so that the leap day is its last.
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let (month, later) = if march_month < 10 {
            (march_month + 3, 0)
        } else {
            (march_month - 9, 1)
        };
        (year_of_era + era * 400 + later, month, day)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the last instant, some 584,000 years from now.
    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(micros(length)))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let time = self.time_of_day();
        let seconds = time.as_secs();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60,
            time.subsec_micros()
        )
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A duration in the microseconds of the contract.
pub(crate) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: u64) -> String {
        Instant::from_micros(seconds * MICROS_PER_SECOND).to_string()
    }

    #[test]
    fn moments_are_written_as_rfc_3339() {
        // Expected values by `date -u -d @N`.
        assert_eq!(written(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(951_782_400), "2000-02-29T00:00:00.000000Z");
        assert_eq!(written(1_709_251_199), "2024-02-29T23:59:59.000000Z");
        assert_eq!(written(1_798_761_599), "2026-12-31T23:59:59.000000Z");
        assert_eq!(written(4_107_542_400), "2100-03-01T00:00:00.000000Z");
        let instant = Instant::from_micros(1_795_505_400_000_042);
        assert_eq!(instant.to_string(), "2026-11-24T07:30:00.000042Z");
        let json = serde_json::to_string(&instant).unwrap();
        assert_eq!(json, "\"2026-11-24T07:30:00.000042Z\"");
    }

    #[test]
    fn every_day_of_four_hundred_years_follows_the_one_before() {
        let mut previous = (1969, 12, 31);
        for day in 0..146_097 {
            let date = Instant(day * SECONDS_PER_DAY * MICROS_PER_SECOND).date();
            let (year, month, day) = previous;
            let next = [
                (year, month, day + 1),
                (year, month + 1, 1),
                (year + 1, 1, 1),
            ];
            assert!(next.contains(&date), "{date:?} follows {previous:?}");
            previous = date;
        }
        assert_eq!(previous, (2369, 12, 31));
    }

    #[test]
    fn lengths_neither_wrap_nor_go_below_zero() {
        let (early, late) = (Instant(5), Instant(8));
        assert_eq!(late.since(early), Duration::from_micros(3));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(Instant(5_999).millis_since(early), 5);
        assert_eq!(early + Duration::from_micros(3), late);
        assert_eq!(early + Duration::MAX, Instant(u64::MAX));
    }
}
