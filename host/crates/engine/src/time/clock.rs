//! Implements the clock of a run.
//!
//! The clock counts microseconds since the start of the run. It converts them to the times of
//! guests, rows and the machine. A scaled clock runs at a multiple of the machine's clock. A
//! virtual clock is set by its worker.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::numbers::scale;
use mockfleet_config::Speed;

/// Microseconds of run time, the unit of everything that is scheduled.
pub(crate) type Micros = u64;

/// The clock of a run, with its start in run time and in real time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    /// Unix time of `start` on the machine's clock, in microseconds.
    machine: u64,
    /// Unix time of `start` for guests and in rows, in microseconds. The devices' `born` counts
    /// from it: they were created before the start of the run.
    origin: u64,
    mode: ClockMode,
}

/// How the run time advances.
#[derive(Debug, Clone, Copy)]
enum ClockMode {
    /// Advances at this multiple of the machine's clock.
    Scaled(f64),
    /// Advances to the due time of the worker's next event.
    Virtual(Micros),
}

impl Clock {
    /// Starts a clock whose time 0 is `origin`, in microseconds since the Unix epoch. If the clock
    /// shows the machine's time, that is the instant at which the machine has this time; else it
    /// is now.
    pub(crate) fn start(origin: u64, clock: &mockfleet_config::Clock) -> Self {
        let (now, here) = (unix_now(), Instant::now());
        // The same moment on both scales, in the past if the start is late.
        let start = match is_machine_time(clock) {
            true if now <= origin => here.checked_add(Duration::from_micros(origin - now)),
            true => here.checked_sub(Duration::from_micros(now - origin)),
            false => None,
        };
        Self {
            start: start.unwrap_or(here),
            machine: start.map_or(now, |_| origin),
            origin,
            mode: match clock.speed {
                Speed::Times(times) => ClockMode::Scaled(times),
                Speed::Max => ClockMode::Virtual(0),
            },
        }
    }

    /// Returns the clock with a start that is later by a real time.
    pub(crate) fn delayed(self, wait: Duration) -> Self {
        Self {
            start: self.start + wait,
            machine: self.machine.saturating_add(micros(wait)),
            ..self
        }
    }

    /// Returns the instant at which the clock starts.
    pub(crate) fn started(&self) -> Instant {
        self.start
    }

    /// Returns the current run time.
    pub(crate) fn now(&self) -> Micros {
        match self.mode {
            ClockMode::Scaled(_) => self.at(Instant::now()),
            ClockMode::Virtual(at) => at,
        }
    }

    /// Returns the run time at an instant of this process.
    pub(crate) fn at(&self, moment: Instant) -> Micros {
        match self.mode {
            ClockMode::Scaled(times) => scaled(self.since(moment), times),
            ClockMode::Virtual(at) => at,
        }
    }

    /// Advances a virtual clock to `moment`. Does nothing if the clock is already past it, or
    /// is scaled.
    pub(crate) fn advance_to(&mut self, moment: Micros) {
        if let ClockMode::Virtual(at) = &mut self.mode {
            *at = moment.max(*at);
        }
    }

    /// Returns whether the clock is virtual. No event is late on a virtual clock.
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self.mode, ClockMode::Virtual(_))
    }

    /// Returns the instant of this process at run time `at`, and `None` on a virtual clock.
    pub(crate) fn instant(&self, at: Micros) -> Option<Instant> {
        match self.mode {
            ClockMode::Scaled(_) => Some(self.start + Duration::from_micros(self.to_real(at))),
            ClockMode::Virtual(_) => None,
        }
    }

    /// Converts a duration of run time to microseconds of real time. Returns 0 on a virtual
    /// clock.
    pub(crate) fn to_real(self, length: Micros) -> u64 {
        match self.mode {
            ClockMode::Scaled(times) => scaled(length, times.recip()),
            ClockMode::Virtual(_) => 0,
        }
    }

    /// Returns the real time since the start, in microseconds.
    pub(crate) fn took(&self) -> u64 {
        micros(self.start.elapsed())
    }

    /// Returns the real time from the start to an instant, in microseconds.
    pub(crate) fn since(&self, moment: Instant) -> u64 {
        micros(moment.saturating_duration_since(self.start))
    }

    /// Converts a run time to the time of guests, in microseconds since the Unix epoch. It is the
    /// time of rows too: a device and the log have one time for one tick.
    pub(crate) fn guest(&self, at: Micros) -> u64 {
        self.origin.saturating_add(at)
    }

    /// Converts a run time to the time of rows, in microseconds since the Unix epoch.
    pub(crate) fn utc(&self, at: Micros) -> i64 {
        i64::try_from(self.guest(at)).unwrap_or(i64::MAX)
    }

    /// Converts an instant to the machine's time, in microseconds since the Unix epoch.
    pub(crate) fn machine(&self, moment: Instant) -> i64 {
        i64::try_from(self.machine.saturating_add(self.since(moment))).unwrap_or(i64::MAX)
    }
}

/// Returns whether the clock of a fleet shows the machine's time, at least at its start: it has no
/// `start` of its own, and its time is not virtual.
pub(crate) fn is_machine_time(clock: &mockfleet_config::Clock) -> bool {
    clock.start.is_none() && clock.speed != Speed::Max
}

/// Returns the machine's time, in microseconds since the Unix epoch.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
}

/// Returns a duration in microseconds, at most 584,000 years.
pub(crate) fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::float_cmp, reason = "the usual clock has exactly this factor")]
fn scaled(length: u64, times: f64) -> u64 {
    // The usual clock, at factor 1, needs no conversion and stays exact.
    if times == 1.0 {
        return length;
    }
    scale(length, times)
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
    fn guests_and_rows_have_the_same_time() {
        for start in [true, false] {
            for speed in [Speed::Times(1.0), Speed::Times(60.0), Speed::Max] {
                let clock = clock(start, speed);
                for at in [0, 1, 123_456_789] {
                    assert_eq!(clock.guest(at) as i64, clock.utc(at));
                }
            }
        }
    }

    #[test]
    fn machine_clock_starts_when_the_machine_reaches_the_origin() {
        let origin = unix_now() + 5_000_000;
        let clock = Clock::start(origin, &mockfleet_config::Clock::default());
        assert_eq!(clock.machine, origin);
        let wait = clock.started().saturating_duration_since(Instant::now());
        assert!(
            wait > Duration::from_secs(4) && wait <= Duration::from_secs(5),
            "{wait:?}"
        );
        let second = clock.started() + Duration::from_secs(1);
        assert_eq!(clock.utc(clock.at(second)), clock.machine(second));
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
        let clock = Clock::start(unix_now(), &mockfleet_config::Clock::default());
        let second = clock.started() + Duration::from_secs(1);
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
