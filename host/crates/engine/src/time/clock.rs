//! Implements the clock of a run.
//!
//! It counts microseconds since the start of the run, and converts them to the times of guests,
//! rows and the machine. It is as fast as the machine's clock, faster or slower by a factor, or
//! virtual: then the worker sets it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mockfleet_config::Speed;

/// Microseconds of the run's own time since it began; the unit of everything that is
/// scheduled.
pub(crate) type Micros = u64;

/// A point in time on both scales.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    /// Unix time of `start` on the machine's clock, microseconds.
    machine: u64,
    /// The same on the run's: what rows are told.
    rows: u64,
    /// What guests are told `start` is: the moment from which their devices were
    /// created. They were given it as `born`, long before the run could begin.
    origin: u64,
    mode: ClockMode,
}

/// How the run's time goes by.
#[derive(Debug, Clone, Copy)]
enum ClockMode {
    /// So many times as fast as the machine's.
    Scaled(f64),
    /// As far as its worker has come.
    Virtual(Micros),
}

impl Clock {
    /// Starts now; guests count from `origin` (microseconds since the Unix epoch), and so
    /// do rows where the fleet file says when its clock starts.
    pub(crate) fn start(origin: u64, clock: &mockfleet_config::Clock) -> Self {
        let machine = unix_now();
        Self {
            start: Instant::now(),
            machine,
            rows: clock.start.map_or(machine, |_| origin),
            origin,
            mode: match clock.speed {
                Speed::Times(times) => ClockMode::Scaled(times),
                Speed::Max => ClockMode::Virtual(0),
            },
        }
    }

    /// How far the run is.
    pub(crate) fn now(&self) -> Micros {
        match self.mode {
            ClockMode::Scaled(_) => self.at(Instant::now()),
            ClockMode::Virtual(at) => at,
        }
    }

    /// How far the run was, or is, at a moment of this process.
    pub(crate) fn at(&self, moment: Instant) -> Micros {
        match self.mode {
            ClockMode::Scaled(times) => scaled(self.since(moment), times),
            ClockMode::Virtual(at) => at,
        }
    }

    /// A clock that goes as far as its worker comes is at this moment from now on, if that
    /// is later.
    pub(crate) fn advance_to(&mut self, moment: Micros) {
        if let ClockMode::Virtual(at) = &mut self.mode {
            *at = moment.max(*at);
        }
    }

    /// Whether it goes as far as its worker comes: nothing is ever late by it.
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self.mode, ClockMode::Virtual(_))
    }

    /// The moment of this process at which the run is as far as `at`, if time passes by
    /// itself.
    pub(crate) fn instant(&self, at: Micros) -> Option<Instant> {
        match self.mode {
            ClockMode::Scaled(_) => Some(self.start + Duration::from_micros(self.to_real(at))),
            ClockMode::Virtual(_) => None,
        }
    }

    /// How long a length of the run takes on the machine, in microseconds; none where it
    /// takes as long as it takes.
    pub(crate) fn to_real(self, length: Micros) -> u64 {
        match self.mode {
            ClockMode::Scaled(times) => scaled(length, times.recip()),
            ClockMode::Virtual(_) => 0,
        }
    }

    /// How long the run has taken so far, on the machine's clock.
    pub(crate) fn took(&self) -> u64 {
        micros(self.start.elapsed())
    }

    /// How long the run had taken at a moment, on the machine's clock.
    pub(crate) fn since(&self, moment: Instant) -> u64 {
        micros(moment.saturating_duration_since(self.start))
    }

    /// A moment of the run as guests see it, microseconds since the Unix epoch.
    pub(crate) fn guest(&self, at: Micros) -> u64 {
        self.origin.saturating_add(at)
    }

    /// A moment of the run as rows show it, microseconds since the Unix epoch.
    pub(crate) fn utc(&self, at: Micros) -> i64 {
        i64::try_from(self.rows.saturating_add(at)).unwrap_or(i64::MAX)
    }

    /// A moment of the machine as rows show it, microseconds since the Unix epoch.
    pub(crate) fn machine(&self, moment: Instant) -> i64 {
        i64::try_from(self.machine.saturating_add(self.since(moment))).unwrap_or(i64::MAX)
    }
}

/// The machine's time, microseconds since the Unix epoch.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
}

/// A length in microseconds; 584,000 years at most.
pub(crate) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "exact below 2^53 µs (285 years); a cast from float to integer stays in bounds"
)]
fn scaled(length: u64, times: f64) -> u64 {
    // The usual clock is exact, and costs nothing.
    if times == 1.0 {
        return length;
    }
    (length as f64 * times).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_767_225_600_000_000;

    fn clock(start: bool, speed: Speed) -> Clock {
        let start = start.then(|| jiff::Timestamp::from_microsecond(START as i64).unwrap());
        Clock::start(START, &mockfleet_config::Clock { start, speed })
    }

    #[test]
    fn a_faster_clock_is_further_and_its_moments_come_sooner() {
        let fast = clock(true, Speed::Times(60.0));
        let second = fast.start + Duration::from_secs(1);
        assert_eq!(fast.at(second), 60_000_000);
        assert_eq!(fast.instant(60_000_000), Some(second));
        assert_eq!(fast.to_real(60_000_000), 1_000_000);
        assert_eq!(fast.guest(60_000_000), START + 60_000_000);
        assert_eq!(fast.utc(60_000_000), START as i64 + 60_000_000);
        assert_eq!(fast.machine(second), fast.machine as i64 + 1_000_000);
    }

    #[test]
    fn without_a_start_rows_have_the_time_of_the_machine() {
        let clock = clock(false, Speed::Times(1.0));
        let second = clock.start + Duration::from_secs(1);
        assert_eq!(clock.utc(clock.at(second)), clock.machine(second));
    }

    #[test]
    fn a_clock_that_its_worker_sets_goes_forward_only() {
        let mut clock = clock(true, Speed::Max);
        clock.advance_to(5_000);
        clock.advance_to(4_000);
        assert_eq!(clock.now(), 5_000);
        assert_eq!(clock.instant(9_000), None);
    }
}
