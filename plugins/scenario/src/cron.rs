//! Finds the times of a cron pattern in a time zone.
//!
//! It connects the patterns of croner with the zones of jiff.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use mockfleet_sdk::Instant;

/// A pattern and its time zone.
#[derive(Debug)]
pub(crate) struct Cron {
    pattern: croner::Cron,
    zone: TimeZone,
}

/// A problem of a pattern or of its zone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CronProblem {
    Pattern(String),
    Zone(String),
}

impl Cron {
    /// Parses a pattern of six fields, and the zone (default: UTC).
    pub(crate) fn read(pattern: &str, zone: Option<&str>) -> Result<Self, Vec<CronProblem>> {
        let mut wrong = Vec::new();
        let parser = CronParser::builder().seconds(Seconds::Required).build();
        let parsed = parser.parse(pattern).map_err(|error| {
            CronProblem::Pattern(format!(
                "{pattern:?} is no cron with seconds: {error}; it has six fields (seconds, minutes, hours, day of month, month, day of week), such as \"0 30 6 * * MON-FRI\""
            ))
        });
        let zone = zone.map_or(Ok(TimeZone::UTC), |name| {
            jiff::tz::TimeZoneDatabase::bundled().get(name).map_err(|_| {
                CronProblem::Zone(format!(
                    "there is no time zone {name:?}; one of the IANA database is wanted, such as \"Europe/Berlin\" or \"UTC\""
                ))
            })
        });
        let (pattern, zone) = match (parsed, zone) {
            (Ok(pattern), Ok(zone)) => (pattern, zone),
            (pattern, zone) => {
                wrong.extend(pattern.err());
                wrong.extend(zone.err());
                return Err(wrong);
            }
        };
        Ok(Self { pattern, zone })
    }

    /// The next time at an instant or after it; `None` when there is none.
    pub(crate) fn at_or_after(&self, moment: Instant) -> Option<Instant> {
        let before = moment.micros().checked_sub(1).map(Instant::from_micros);
        self.after(before.unwrap_or(moment))
    }

    /// The next time after an instant; `None` when there is none.
    pub(crate) fn after(&self, moment: Instant) -> Option<Instant> {
        let micros = i64::try_from(moment.micros()).ok()?;
        let start = Timestamp::from_microsecond(micros).ok()?;
        let start = ZonedTime(start.to_zoned_datetime(self.zone.clone()));
        let next = self.pattern.find_next_occurrence(&start, false).ok()?;
        let micros = next.0.timestamp().as_microsecond();
        u64::try_from(micros).ok().map(Instant::from_micros)
    }
}

/// A local time, over which croner searches.
#[derive(Debug, Clone)]
struct ZonedTime(ZonedDateTime);

impl CronDateTime for ZonedTime {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |number: i8| u32::try_from(number).unwrap_or(0);
        CivilDateTime::from_ymd_hms_opt(
            i32::from(at.year()),
            part(at.month()),
            part(at.day()),
            part(at.hour()),
            part(at.minute()),
            part(at.second()),
        )
        // Not reached: jiff's parts are in range, seconds of a minute up to 59.
        .unwrap_or_else(epoch)
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::try_from(days).unwrap_or(0))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let at = datetime(civil).ok_or(CronError::InvalidDate)?;
        let found = self.0.time_zone().to_ambiguous_zoned_datetime(at);
        let wrong = |_| CronError::InvalidTime;
        Ok(match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Resolution::Single(Self(found.unambiguous().map_err(wrong)?))
            }
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(
                Self(found.clone().earlier().map_err(wrong)?),
                Self(found.later().map_err(wrong)?),
            ),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let length = SignedDuration::from_secs(seconds);
        self.0.checked_add(length).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn epoch() -> CivilDateTime {
    CivilDateTime::new(
        croner::CivilDate::from_parts_unchecked(1970, 1, 1),
        croner::CivilTime::from_parts_unchecked(0, 0, 0),
    )
}

fn datetime(civil: CivilDateTime) -> Option<DateTime> {
    let part = |number: u32| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(civil.year()).ok()?,
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(pattern: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::read(pattern, Some(zone)).unwrap();
        let from: Timestamp = from.parse().unwrap();
        let mut at = Instant::from_micros(u64::try_from(from.as_microsecond()).unwrap());
        let mut times = Vec::new();
        for _ in 0..count {
            at = cron.after(at).unwrap();
            times.push(at.to_string()[..19].to_owned());
        }
        times
    }

    #[test]
    fn seconds_are_a_field_and_zones_have_their_own_clocks() {
        assert_eq!(
            times(
                "*/20 0 8 * * MON-FRI",
                "Europe/Berlin",
                "2026-11-27T08:00:00Z",
                3
            ),
            [
                "2026-11-30T07:00:00",
                "2026-11-30T07:00:20",
                "2026-11-30T07:00:40"
            ]
        );
        // In summer the same clock shows eight an hour earlier in UTC.
        assert_eq!(
            times("0 0 8 1 7 *", "Europe/Berlin", "2026-01-01T00:00:00Z", 1),
            ["2026-07-01T06:00:00"]
        );
    }

    #[test]
    fn a_time_at_the_instant_itself_is_the_next_one() {
        let cron = Cron::read("0 0 0 * * *", None).unwrap();
        let midnight = Instant::from_micros(1_767_225_600_000_000);
        let day = std::time::Duration::from_hours(24);
        assert_eq!(cron.at_or_after(midnight), Some(midnight));
        assert_eq!(cron.after(midnight), Some(midnight + day));
        let late = midnight + std::time::Duration::from_micros(1);
        assert_eq!(cron.at_or_after(late), Some(midnight + day));
    }

    #[test]
    fn a_clock_that_is_set_forward_or_back_is_followed() {
        // 2026-03-29: from 02:00 to 03:00 there is nothing in Berlin.
        let spring = times("0 30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T00:30:00", "2026-03-29T01:30:00"]);
    }

    #[test]
    fn invalid_cron_is_refused_with_the_way_out() {
        let Err(wrong) = Cron::read("0 30 6 * *", Some("Europe/Atlantis")) else {
            panic!("five fields have no seconds");
        };
        let [CronProblem::Pattern(pattern), CronProblem::Zone(zone)] = wrong.as_slice() else {
            panic!("{wrong:?}");
        };
        assert!(pattern.contains("six fields"), "{pattern}");
        assert!(zone.contains("Europe/Atlantis"), "{zone}");
        let never = Cron::read("0 0 0 30 2 *", None).unwrap();
        assert_eq!(
            never.after(Instant::from_micros(1_767_225_600_000_000)),
            None
        );
    }
}
