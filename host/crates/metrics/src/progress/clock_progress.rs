//! Describes the progress of a run's own clock.
//!
//! Used when the fleet does not run on the machine's clock.

use std::time::Duration;

use serde_json::{Value, json};

use crate::num::as_f64;
use mockfleet_files::counted::{count, noun_for};

/// Position of a run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPosition {
    /// The current fleet time, microseconds since 1970.
    pub at: i64,
    /// Fleet time since the start.
    pub passed: Duration,
    /// Fleet time of the whole run, if the run has an end.
    pub of: Option<Duration>,
    /// Whether the clock runs at full speed.
    pub max: bool,
}

impl ClockPosition {
    /// Returns the share of the run that has passed, 0 to 1.
    fn share(&self) -> Option<f64> {
        let of = self.of?.as_secs_f64();
        (of > 0.0).then(|| (self.passed.as_secs_f64() / of).min(1.0))
    }

    /// Estimates the remaining real time; `None` in the first thousandth of the run.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        let share = self.share().filter(|share| *share > 0.001)?;
        Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - share) / share).ok()
    }

    /// `2026-03-01 04:00:00, 16.4 % of 365 days, about 42 seconds left`.
    pub(crate) fn text(&self, elapsed: Duration) -> String {
        let mut text = second(self.at);
        if let (Some(share), Some(of)) = (self.share(), self.of) {
            text.push_str(&format!(", {:.1} % of {}", share * 100.0, length(of)));
        }
        if let Some(left) = self.left(elapsed) {
            text.push_str(&format!(", about {} left", length(left)));
        }
        text
    }

    pub(crate) fn json(&self, elapsed: Duration) -> Value {
        json!({
            "at": timestamp(self.at),
            "passed_seconds": self.passed.as_secs_f64(),
            "share": self.share(),
            "left_seconds": self.left(elapsed).map(|left| left.as_secs_f64()),
        })
    }
}

/// Fleet time that passed in a finished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockProgress {
    /// Fleet time at the start, microseconds since 1970.
    pub from: i64,
    /// Fleet time that passed.
    pub length: Duration,
    /// Whether the clock ran at full speed.
    pub max: bool,
}

impl ClockProgress {
    fn to(&self) -> i64 {
        let length = i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX);
        self.from.saturating_add(length)
    }

    /// Returns the ratio of fleet time to real time.
    fn times(&self, ran: Duration) -> f64 {
        self.length.as_secs_f64() / ran.as_secs_f64().max(1e-6)
    }

    pub(crate) fn text(&self, ran: Duration) -> String {
        let times = self.times(ran);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far below 2^64"
        )]
        let times = match times >= 10.0 {
            true => count(times.round() as u64),
            false => format!("{times:.2}"),
        };
        format!(
            "{} of the fleet's, {} to {}, in {:.1} s: {times} times as fast",
            length(self.length),
            second(self.from),
            second(self.to()),
            ran.as_secs_f64(),
        )
    }

    pub(crate) fn json(&self, ran: Duration) -> Value {
        json!({
            "from": timestamp(self.from),
            "to": timestamp(self.to()),
            "passed_seconds": self.length.as_secs_f64(),
            "times": self.times(ran),
            "max": self.max,
        })
    }
}

/// Formats a time in ISO 8601.
fn timestamp(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// Formats a time to the second, in UTC.
pub(crate) fn second(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Formats a duration in the largest unit of which it has at least two.
fn length(length: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = length.as_secs_f64();
    let unit = UNITS.iter().find(|(unit, _)| seconds >= as_f64(2 * unit));
    let (number, name) = match unit {
        Some((unit, name)) => (seconds / as_f64(*unit), *name),
        None => (seconds, "second"),
    };
    let number = format!("{number:.1}");
    let number = number.trim_end_matches(".0");
    // A number with a fraction takes the plural.
    let noun = noun_for(number.parse().unwrap_or(0_u64), name);
    format!("{number} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_767_225_600_000_000;
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn remaining_time_follows_from_elapsed_time() {
        let now = ClockPosition {
            at: START + 86_400_000_000,
            passed: DAY,
            of: Some(10 * DAY),
            max: true,
        };
        assert_eq!(
            now.text(Duration::from_secs(20)),
            "2026-01-02 00:00:00, 10.0 % of 10 days, about 3 minutes left"
        );
        let first = ClockPosition {
            passed: Duration::ZERO,
            ..now
        };
        assert_eq!(first.left(Duration::from_secs(20)), None);
        let endless = ClockPosition { of: None, ..now };
        assert_eq!(endless.text(Duration::from_secs(1)), "2026-01-02 00:00:00");
    }

    #[test]
    fn text_has_passed_time_and_factor() {
        let passed = ClockProgress {
            from: START,
            length: 30 * DAY,
            max: true,
        };
        assert_eq!(
            passed.text(Duration::from_secs(10)),
            "30 days of the fleet's, 2026-01-01 00:00:00 to 2026-01-31 00:00:00, in 10.0 s: 259,200 times as fast"
        );
        let short = |millis| length(Duration::from_millis(millis));
        assert_eq!(
            [short(1_000), short(1_500), short(0), short(7_200_000)],
            ["1 second", "1.5 seconds", "0 seconds", "2 hours"]
        );
        let slow = ClockProgress {
            length: Duration::from_secs(5),
            ..passed
        };
        assert!(
            slow.text(Duration::from_secs(10))
                .ends_with("0.50 times as fast")
        );
    }
}
