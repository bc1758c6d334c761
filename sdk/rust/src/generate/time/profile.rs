//! Computes values by the time of day and the day of the week.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::number;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::time::interpolation::{Interpolant, Interpolation};
use crate::generate::time::rfc3339;
use crate::generate::time::time_zone::{TimeZone, default_zone};
use crate::random::Rng;

const DAY: i64 = 86_400_000_000;

/// A time of day, `06:30` or `06:30:15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(i64);

impl TimeOfDay {
    /// A time of day from the hour, 0 to 23, and the minute, 0 to 59. Larger numbers count
    /// on.
    #[must_use]
    pub const fn new(hour: u8, minute: u8) -> Self {
        Self((hour as i64 * 60 + minute as i64) * 60_000_000)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0 / 60_000_000;
        write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)?;
        let micros = self.0 % 60_000_000;
        if micros > 0 {
            write!(f, ":{:02}.{:06}", micros / 1_000_000, micros % 1_000_000)?;
        }
        Ok(())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        rfc3339::time_of_day(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{text:?} is no time of day; from \"00:00\" to \"23:59:59\" is right"
            ))
        })
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A time of day, from 00:00 to 23:59:59.",
            "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?$",
            "examples": ["06:30"],
        })
    }
}

/// A value at a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct DayPoint {
    /// The time of day, in the profile's time zone.
    pub at: TimeOfDay,
    /// The value there.
    pub value: f64,
}

/// Days with points of their own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Week {
    /// Monday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mon: Option<Vec<DayPoint>>,
    /// Tuesday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tue: Option<Vec<DayPoint>>,
    /// Wednesday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wed: Option<Vec<DayPoint>>,
    /// Thursday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thu: Option<Vec<DayPoint>>,
    /// Friday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fri: Option<Vec<DayPoint>>,
    /// Saturday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sat: Option<Vec<DayPoint>>,
    /// Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sun: Option<Vec<DayPoint>>,
}

/// Values by the time of day, the same each day or by the day of the week. The profile
/// follows changes to and from daylight saving time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Profile {
    /// The time zone, by its name in the IANA database: `Europe/Berlin`, `UTC`.
    pub zone: String,
    /// The points of each day without points of its own, in order of time.
    pub daily: Vec<DayPoint>,
    /// Days with points of their own. With an empty list, the values of the day are
    /// interpolated from the day before to the day after.
    pub weekly: Week,
    /// The interpolation between two points, across midnight, too.
    pub interpolation: Interpolation,
    /// The standard deviation of values from the profile.
    #[schemars(range(min = 0.0))]
    pub jitter: f64,
    /// Decimals, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            zone: default_zone(),
            daily: Vec::new(),
            weekly: Week::default(),
            interpolation: Interpolation::Linear,
            jitter: 0.0,
            decimals: None,
        }
    }
}

impl Profile {
    /// The same values each day, at these times of day, UTC.
    #[must_use]
    pub fn daily(points: impl IntoIterator<Item = (TimeOfDay, f64)>) -> Self {
        Self {
            daily: day(points),
            ..Self::default()
        }
    }

    /// Sets the points of the weekend.
    #[must_use]
    pub fn weekend(mut self, points: impl IntoIterator<Item = (TimeOfDay, f64)>) -> Self {
        let points = day(points);
        self.weekly.sat = Some(points.clone());
        self.weekly.sun = Some(points);
        self
    }

    /// Sets the time zone by its name in the IANA database.
    #[must_use]
    pub fn zone(self, name: impl Into<String>) -> Self {
        Self {
            zone: name.into(),
            ..self
        }
    }

    /// Sets the interpolation between two points.
    #[must_use]
    pub fn interpolation(self, interpolation: Interpolation) -> Self {
        Self {
            interpolation,
            ..self
        }
    }

    /// Sets the standard deviation of values from the profile.
    #[must_use]
    pub fn jitter(self, deviation: f64) -> Self {
        Self {
            jitter: deviation,
            ..self
        }
    }

    /// Rounds to this many decimals.
    #[must_use]
    pub fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }
}

fn day(points: impl IntoIterator<Item = (TimeOfDay, f64)>) -> Vec<DayPoint> {
    let point = |(at, value)| DayPoint { at, value };
    points.into_iter().map(point).collect()
}

#[derive(Debug)]
pub(crate) struct ProfilePlan {
    /// Over the time of the week.
    curve: Interpolant,
    zone: TimeZone,
    jitter: f64,
    decimals: Option<u8>,
}

impl Specification for Profile {
    type Plan = ProfilePlan;

    fn check(&self, check: &mut Check<'_>) -> Option<ProfilePlan> {
        let zone = check.collect(|_, problems| TimeZone::find(&self.zone, "zone", problems));
        check.require_not_negative("jitter", self.jitter);
        check.require_decimals(self.decimals);
        let week = &self.weekly;
        let days = [
            ("mon", &week.mon),
            ("tue", &week.tue),
            ("wed", &week.wed),
            ("thu", &week.thu),
            ("fri", &week.fri),
            ("sat", &week.sat),
            ("sun", &week.sun),
        ];
        let mut points = Vec::new();
        check_day(check, "daily", &self.daily);
        let mut midnight = 0;
        for (name, own) in days {
            if let Some(own) = own {
                check_day(check, &format!("weekly.{name}"), own);
            }
            for point in own.as_ref().unwrap_or(&self.daily) {
                points.push((midnight + point.at.0, point.value));
            }
            midnight += DAY;
        }
        check.require(
            !points.is_empty(),
            "daily",
            "a profile has one point at least, here or in weekly",
        );
        Some(ProfilePlan {
            curve: Interpolant::new(points, self.interpolation, Some(7 * DAY)),
            zone: zone?,
            jitter: self.jitter,
            decimals: self.decimals,
        })
    }
}

fn check_day(check: &mut Check<'_>, key: &str, points: &[DayPoint]) {
    let mut before: Option<TimeOfDay> = None;
    let _ = check.each(key, points, |check, point| {
        check.require_finite("value", point.value);
        check.require(
            (0..DAY).contains(&point.at.0),
            "at",
            format_args!(
                "{} lies past the day's end; up to 23:59:59 is right",
                point.at
            ),
        );
        if let Some(before) = before.filter(|before| *before >= point.at) {
            check.report(
                "at",
                format_args!(
                    "{} does not come after {before}; points are in order of time",
                    point.at
                ),
            );
        }
        before = Some(point.at);
        Some(())
    });
}

impl GeneratorKind for ProfilePlan {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, context: &Context<'_>) -> Result<Value, Error> {
        let mut value = self.curve.value_at(self.zone.time_of_week(context.now));
        if self.jitter > 0.0 {
            value = rng.normal(value, self.jitter);
        }
        number(value, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::common::span::Span;
    use crate::generate::testing::{TestGenerator, problems_of};

    const HOUR: Span = Span::from_micros(3_600_000_000);

    /// A profile whose value is the local hour of the day.
    fn wall_clock() -> Profile {
        Profile::daily((0..24).map(|hour| (TimeOfDay::new(hour, 0), f64::from(hour))))
            .interpolation(Interpolation::Step)
            .decimals(0)
    }

    #[test]
    fn a_day_goes_through_its_points_and_over_midnight() {
        let day = Profile::daily([(TimeOfDay::new(6, 0), 10.0), (TimeOfDay::new(18, 0), 20.0)]);
        let mut life = TestGenerator::new(day)
            .at("2026-11-24T06:00:00Z")
            .every(HOUR);
        let values = life.numbers(25);
        assert_eq!((values[0], values[6], values[12]), (10.0, 15.0, 20.0));
        assert_eq!((values[18], values[24]), (15.0, 10.0));
    }

    #[test]
    fn a_weekend_has_its_own_points() {
        let week =
            Profile::daily([(TimeOfDay::new(0, 0), 8.0)]).weekend([(TimeOfDay::new(0, 0), 0.0)]);
        let week = week.interpolation(Interpolation::Step).decimals(0);
        // 2026-11-23 is a Monday.
        let mut days = TestGenerator::new(week)
            .at("2026-11-23T12:00:00Z")
            .every(Span::parse("1d").unwrap());
        assert_eq!(days.json(8), "[8,8,8,8,8,0,0,8]");
    }

    #[cfg(feature = "zones")]
    #[test]
    fn a_profile_follows_the_clocks_when_they_change() {
        // Germany, 2026-03-29: after 01:59 comes 03:00. 2026-10-25: after 02:59 comes 02:00.
        let berlin = wall_clock().zone("Europe/Berlin");
        let mut spring = TestGenerator::new(berlin.clone())
            .at("2026-03-28T23:30:00Z")
            .every(HOUR);
        assert_eq!(spring.json(5), "[0,1,3,4,5]");
        let mut autumn = TestGenerator::new(berlin)
            .at("2026-10-24T22:30:00Z")
            .every(HOUR);
        assert_eq!(autumn.json(5), "[0,1,2,2,3]");
        let mut kathmandu =
            TestGenerator::new(wall_clock().zone("Asia/Kathmandu")).at("2026-01-01T00:00:00Z");
        assert_eq!(kathmandu.json(1), "[5]", "5 h 45 min ahead");
    }

    #[test]
    fn in_utc_the_clock_is_the_runs() {
        let mut life = TestGenerator::new(wall_clock()).at("2026-11-24T22:59:59Z");
        assert_eq!(life.json(2), "[22,23]");
    }

    #[test]
    fn invalid_profile_is_refused_with_paths() {
        let spec: crate::generate::spec::kinds::Spec = serde_json::from_str(
            r#"{ "kind": "profile", "zone": "Europe/Bern", "weekly": { "tue": [
                { "at": "08:00", "value": 1 }, { "at": "07:30", "value": 2 }] } }"#,
        )
        .unwrap();
        let text = problems_of(&spec);
        assert!(
            text.starts_with("zone: there is no time zone \"Europe/Bern\""),
            "{text}"
        );
        assert!(
            text.ends_with(
                "weekly.tue.1.at: 07:30 does not come after 08:00; points are in order of time"
            ),
            "{text}"
        );
        assert_eq!(
            problems_of(&Profile::default()),
            "daily: a profile has one point at least, here or in weekly"
        );
        let error = serde_json::from_str::<TimeOfDay>("\"24:00\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"24:00\" is no time of day"), "{error}");
    }
}
