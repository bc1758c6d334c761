//! Finds the periods of a group's cron patterns and waits.
//!
//! A dry run that is shorter forecasts too few messages, or none.

use std::time::Duration;

use serde_json::Value;

use crate::time::clock::{Micros, micros};
use mockfleet_config::parse_duration;

/// Periods of cron patterns in microseconds, the longest first.
const PERIODS: [Micros; 5] = [YEAR, WEEK, DAY, HOUR, MINUTE];
const MINUTE: Micros = 60_000_000;
const HOUR: Micros = 60 * MINUTE;
const DAY: Micros = 24 * HOUR;
const WEEK: Micros = 7 * DAY;
const YEAR: Micros = 365 * DAY;

/// Number of waits that a dry run covers, so that their messages are more than one.
const WAITS: u64 = 4;

/// Number of waits that a dry run covers if its ticks are few: a wait that has only begun at its
/// end is then a small part.
const MANY_WAITS: u64 = 40;

/// The times after which a group repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Calendar {
    /// The longest period of its cron patterns; 0 without patterns.
    period: Micros,
    /// The longest `after` of its transitions, and `every` of its statuses.
    wait: Micros,
}

impl Calendar {
    /// Reads the settings of a group. Returns `None` if they have neither patterns nor waits.
    pub(crate) fn read(settings: &Value) -> Option<Self> {
        let mut calendar = Self::default();
        calendar.add(settings);
        (calendar != Self::default()).then_some(calendar)
    }

    fn add(&mut self, settings: &Value) {
        match settings {
            Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), value) {
                        ("cron", Value::String(pattern)) => {
                            self.period = self.period.max(period(pattern));
                        }
                        ("after" | "every", value) => self.wait = self.wait.max(wait(value)),
                        _ => self.add(value),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.add(value)),
            _ => {}
        }
    }

    /// Returns whether the settings have cron patterns.
    pub(crate) fn has_patterns(self) -> bool {
        self.period > 0
    }

    /// Returns the time that a dry run needs after the first interval.
    pub(crate) fn needed(self) -> Micros {
        self.period.max(self.wait.saturating_mul(WAITS).min(YEAR))
    }

    /// Returns the time of many waits, for a dry run with few ticks.
    pub(crate) fn many_waits(self) -> Micros {
        self.wait.saturating_mul(MANY_WAITS).min(YEAR)
    }

    /// Returns the end of the part of a dry run that has whole periods: the longest that fits
    /// between `from` and `reached`.
    pub(crate) fn window_end(self, from: Micros, reached: Micros) -> Micros {
        let room = reached.saturating_sub(from);
        let mut fitting = PERIODS.into_iter().filter(|unit| *unit <= self.period);
        match fitting.find(|unit| *unit <= room) {
            Some(unit) => from + room / unit * unit,
            None => reached,
        }
    }

    /// Returns the period of the cron patterns, if the dry run does not cover it.
    pub(crate) fn uncovered(self, from: Micros, reached: Micros) -> Option<Micros> {
        (self.period > reached.saturating_sub(from)).then_some(self.period)
    }
}

/// Returns the length of a wait: a duration, or the largest number of a generator of seconds.
fn wait(value: &Value) -> Micros {
    match value {
        Value::String(length) => parse_duration(length).map(micros).unwrap_or(0),
        Value::Number(seconds) => {
            let length = seconds.as_f64().map(Duration::try_from_secs_f64);
            length.and_then(Result::ok).map_or(0, micros)
        }
        Value::Object(generator) => generator.values().map(wait).max().unwrap_or(0),
        Value::Array(list) => list.iter().map(wait).max().unwrap_or(0),
        Value::Bool(_) | Value::Null => 0,
    }
}

/// Returns the time after which a cron pattern of six fields repeats.
fn period(pattern: &str) -> Micros {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    let [_, minute, hour, day, month, weekday] = fields.as_slice() else {
        return 0;
    };
    let is_any = |field: &&str| matches!(*field, "*" | "?");
    if !is_any(day) || !is_any(month) {
        YEAR
    } else if !is_any(weekday) {
        WEEK
    } else if !is_any(hour) {
        DAY
    } else if !is_any(minute) {
        HOUR
    } else {
        MINUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_and_waits_give_the_time_to_cover() {
        for (pattern, wanted) in [
            ("*/20 * * * * *", MINUTE),
            ("0 */15 * * * *", HOUR),
            ("0 59 23 * * *", DAY),
            ("0 30 6 * * MON-FRI", WEEK),
            ("0 0 0 1 * *", YEAR),
            ("0 0 0 * 7 ?", YEAR),
            ("wrong", 0),
        ] {
            assert_eq!(period(pattern), wanted, "{pattern}");
        }
        let settings = json!({ "states": { "on": { "transitions": [
            { "to": "off", "cron": "0 0 7 * * *" },
            { "to": "off", "after": "9h" },
            { "to": "off", "after": { "kind": "exponential", "mean": 3600 } }
        ] } } });
        let calendar = Calendar::read(&settings).unwrap();
        assert_eq!(calendar.needed(), 36 * HOUR);
        assert_eq!(Calendar::read(&json!({ "a": [1, "after"] })), None);
    }

    #[test]
    fn window_has_whole_periods() {
        let daily = Calendar {
            period: DAY,
            wait: 0,
        };
        assert_eq!(daily.window_end(HOUR, 3 * DAY), HOUR + 2 * DAY);
        assert_eq!(daily.window_end(HOUR, 5 * HOUR + 7), 5 * HOUR);
        assert_eq!(daily.uncovered(HOUR, DAY), Some(DAY));
        assert_eq!(daily.uncovered(HOUR, DAY + HOUR), None);
    }
}
