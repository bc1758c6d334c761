//! Sums the time before late calls, and the work in it.

use crate::num::as_f64;

/// The time before late and missed calls, and what the worker did in it.
///
/// Its own work delays calls, and so does another program that has the processor. The time is
/// measured around late calls only: over a whole run, one long delay is a small share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LateTime {
    /// Microseconds for which late calls were due.
    pub waited_us: u64,
    /// Those in which the worker called devices, or handled their messages.
    pub calls_us: u64,
    /// Those in which the worker read and wrote connections.
    pub io_us: u64,
    /// Microseconds of work in the periods between two publications that have late calls.
    pub work_us: u64,
    /// Microseconds of the processor in the same periods.
    pub cpu_us: u64,
}

impl LateTime {
    /// Returns the share of the time in which the worker had the processor for its own work.
    #[must_use]
    pub(crate) fn own_share(&self) -> f64 {
        let at_work = as_f64(self.calls_us + self.io_us) / as_f64(self.waited_us.max(1));
        let on_processor = as_f64(self.cpu_us) / as_f64(self.work_us.max(1));
        at_work.min(1.0) * on_processor.min(1.0)
    }

    /// Adds the time of another worker.
    pub(crate) fn add(&mut self, other: Self) {
        self.waited_us += other.waited_us;
        self.calls_us += other.calls_us;
        self.io_us += other.io_us;
        self.work_us += other.work_us;
        self.cpu_us += other.cpu_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_without_the_processor_is_not_the_workers_own() {
        let own = LateTime {
            waited_us: 4_000_000,
            calls_us: 1_000_000,
            io_us: 3_000_000,
            work_us: 4_500_000,
            cpu_us: 4_500_000,
        };
        assert!(own.own_share() > 0.99);
        let preempted = LateTime {
            cpu_us: 900_000,
            ..own
        };
        assert!(preempted.own_share() < 0.21);
        assert!(LateTime::default().own_share() < 0.01);
    }
}
