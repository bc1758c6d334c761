//! Computes the offset of a time zone from UTC.
//!
//! The data of the zones come from the crate instead of the machine, so that they are the
//! same everywhere.

#[cfg(feature = "zones")]
use std::cell::Cell;

use crate::generate::common::problems::Problems;
use crate::time::Instant;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// A time zone, shared by all devices of a cell.
#[derive(Debug)]
pub(crate) struct TimeZone {
    #[cfg(feature = "zones")]
    rules: jiff::tz::TimeZone,
    /// The last offset, and the range in seconds in which it applies: devices need offsets
    /// for similar times, and zones change twice a year.
    #[cfg(feature = "zones")]
    cached: Cell<(i64, i64, i64)>,
}

#[cfg(feature = "zones")]
impl TimeZone {
    /// The zone of a name. `None` after reporting under `key` that there is none.
    pub(crate) fn find(name: &str, key: &str, problems: &mut Problems) -> Option<Self> {
        let rules = match name {
            "UTC" => Some(jiff::tz::TimeZone::UTC),
            _ => jiff::tz::TimeZoneDatabase::bundled().get(name).ok(),
        };
        problems.require(
            rules.is_some(),
            key,
            format_args!(
                "there is no time zone {name:?}; a name of the IANA database is right, such as \"Europe/Berlin\" or \"UTC\""
            ),
        );
        Some(Self {
            rules: rules?,
            cached: Cell::new((0, 0, 0)),
        })
    }

    /// Seconds to add to UTC for the local time.
    pub(crate) fn offset(&self, at: Instant) -> i64 {
        let second = at.micros() / 1_000_000;
        let second = i64::try_from(second).unwrap_or(i64::MAX);
        let (from, until, offset) = self.cached.get();
        if (from..until).contains(&second) {
            return offset;
        }
        let Ok(moment) = jiff::Timestamp::from_second(second) else {
            return 0;
        };
        let offset = i64::from(self.rules.to_offset(moment).seconds());
        let next = self.rules.following(moment).next();
        let until = next.map_or(i64::MAX, |change| change.timestamp().as_second());
        self.cached.set((second, until, offset));
        offset
    }

    /// Writes an instant in a format of `strftime`.
    pub(crate) fn format(&self, format: &str, at: Instant) -> Result<String, jiff::Error> {
        let micros = i64::try_from(at.micros()).unwrap_or(i64::MAX);
        let moment = jiff::Timestamp::from_microsecond(micros)?;
        jiff::fmt::strtime::format(format, &moment.to_zoned_datetime(self.rules.clone()))
    }
}

#[cfg(not(feature = "zones"))]
impl TimeZone {
    /// The zone of a name. `None` after reporting under `key` that there is none.
    pub(crate) fn find(name: &str, key: &str, problems: &mut Problems) -> Option<Self> {
        let known = problems.require(
            name == "UTC",
            key,
            format_args!(
                "there is no time zone {name:?} in this plugin, only \"UTC\"; build it with the feature \"zones\" of mockfleet-sdk"
            ),
        );
        known.then_some(Self {})
    }

    /// Seconds to add to UTC for local time.
    pub(crate) fn offset(&self, _: Instant) -> i64 {
        0
    }
}

impl TimeZone {
    /// Microseconds since the last Monday's midnight in local time.
    pub(crate) fn time_of_week(&self, at: Instant) -> i64 {
        const DAY: i64 = 86_400 * MICROS_PER_SECOND;
        // 1970-01-01 was a Thursday.
        let micros = i64::try_from(at.micros()).unwrap_or(i64::MAX);
        let local = micros.saturating_add(self.offset(at) * MICROS_PER_SECOND);
        local.saturating_add(3 * DAY).rem_euclid(7 * DAY)
    }
}

/// `UTC`, the default of settings.
pub(crate) fn default_zone() -> String {
    "UTC".to_owned()
}
