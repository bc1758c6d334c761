//! The run's clock: microseconds since the run began, and how they turn into the
//! moments that guests and rows see. Knows nothing of what happens at them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the run began; the unit of everything that is scheduled.
pub(crate) type Micros = u64;

/// A point in time on both scales.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    /// Unix time of `start`, microseconds.
    wall: u64,
    /// What guests are told `start` is: the moment from which their devices were
    /// created. They were given it as `born`, long before the run could begin.
    origin: u64,
}

impl Clock {
    /// Starts now; guests count from `origin` (microseconds since the Unix epoch).
    pub(crate) fn start(origin: u64) -> Self {
        Self {
            start: Instant::now(),
            wall: unix_now(),
            origin,
        }
    }

    /// How far the run is.
    pub(crate) fn now(&self) -> Micros {
        micros(self.start.elapsed())
    }

    /// A moment of this process on the run's scale.
    pub(crate) fn at(&self, moment: Instant) -> Micros {
        micros(moment.saturating_duration_since(self.start))
    }

    /// The moment of this process at which the run is as far as `at`.
    pub(crate) fn instant(&self, at: Micros) -> Instant {
        self.start + Duration::from_micros(at)
    }

    /// As guests see it, microseconds since the Unix epoch.
    pub(crate) fn guest(&self, at: Micros) -> u64 {
        self.origin.saturating_add(at)
    }

    /// As rows show it, microseconds since the Unix epoch.
    pub(crate) fn utc(&self, at: Micros) -> i64 {
        i64::try_from(self.wall.saturating_add(at)).unwrap_or(i64::MAX)
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
