//! The run's own clock, where that is not the machine's: how far it is, how long the rest
//! will take, and what time passed in the end; in words and figures.

use std::time::Duration;

use serde_json::{Value, json};

use super::figures::{count, float};

/// How far the run's clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockNow {
    /// What it shows, microseconds since 1970.
    pub at: i64,
    /// How much of its time has passed.
    pub passed: Duration,
    /// How much is to pass, if it has an end.
    pub of: Option<Duration>,
    /// Whether it goes as fast as it can.
    pub max: bool,
}

impl ClockNow {
    /// How much of what is to pass has, 0 to 1.
    fn share(&self) -> Option<f64> {
        let of = self.of?.as_secs_f64();
        (of > 0.0).then(|| (self.passed.as_secs_f64() / of).min(1.0))
    }

    /// How long the rest will take if it goes on like this, once that can be told.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        let share = self.share().filter(|share| *share > 0.001)?;
        Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1.0 - share) / share).ok()
    }

    /// `2026-03-01 04:00:00, 16.4 % of 365 days, about 42 seconds left`.
    pub(super) fn words(&self, elapsed: Duration) -> String {
        let mut words = second(self.at);
        if let (Some(share), Some(of)) = (self.share(), self.of) {
            words.push_str(&format!(", {:.1} % of {}", share * 100.0, length(of)));
        }
        if let Some(left) = self.left(elapsed) {
            words.push_str(&format!(", about {} left", length(left)));
        }
        words
    }

    pub(super) fn json(&self, elapsed: Duration) -> Value {
        json!({
            "at": moment(self.at),
            "passed_seconds": self.passed.as_secs_f64(),
            "share": self.share(),
            "left_seconds": self.left(elapsed).map(|left| left.as_secs_f64()),
        })
    }
}

/// What time of the fleet passed in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// What its clock showed when the run began, microseconds since 1970.
    pub from: i64,
    /// How much passed.
    pub length: Duration,
    /// Whether its clock went as fast as it could.
    pub max: bool,
}

impl Passed {
    fn to(&self) -> i64 {
        let length = i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX);
        self.from.saturating_add(length)
    }

    /// How many times as fast as the machine's time.
    fn times(&self, ran: Duration) -> f64 {
        self.length.as_secs_f64() / ran.as_secs_f64().max(1e-6)
    }

    pub(super) fn words(&self, ran: Duration) -> String {
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

    pub(super) fn json(&self, ran: Duration) -> Value {
        json!({
            "from": moment(self.from),
            "to": moment(self.to()),
            "passed_seconds": self.length.as_secs_f64(),
            "times": self.times(ran),
            "max": self.max,
        })
    }
}

/// A moment as machines read it.
fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// A moment to the second, UTC.
fn second(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// A length in the largest unit of which there are two.
fn length(length: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let seconds = length.as_secs_f64();
    let unit = UNITS.iter().find(|(unit, _)| seconds >= float(2 * unit));
    let (number, name) = match unit {
        Some((unit, name)) => (seconds / float(*unit), *name),
        None => (seconds, "seconds"),
    };
    let number = format!("{number:.1}");
    format!("{} {name}", number.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_767_225_600_000_000;
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn what_is_left_follows_from_what_it_took_so_far() {
        let now = ClockNow {
            at: START + 86_400_000_000,
            passed: DAY,
            of: Some(10 * DAY),
            max: true,
        };
        assert_eq!(
            now.words(Duration::from_secs(20)),
            "2026-01-02 00:00:00, 10.0 % of 10 days, about 3 minutes left"
        );
        let first = ClockNow {
            passed: Duration::ZERO,
            ..now
        };
        assert_eq!(first.left(Duration::from_secs(20)), None);
        let endless = ClockNow { of: None, ..now };
        assert_eq!(endless.words(Duration::from_secs(1)), "2026-01-02 00:00:00");
    }

    #[test]
    fn what_passed_is_said_with_how_fast_that_was() {
        let passed = Passed {
            from: START,
            length: 30 * DAY,
            max: true,
        };
        assert_eq!(
            passed.words(Duration::from_secs(10)),
            "30 days of the fleet's, 2026-01-01 00:00:00 to 2026-01-31 00:00:00, in 10.0 s: 259,200 times as fast"
        );
        let slow = Passed {
            length: Duration::from_secs(5),
            ..passed
        };
        assert!(
            slow.words(Duration::from_secs(10))
                .ends_with("0.50 times as fast")
        );
    }
}
