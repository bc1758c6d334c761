//! Tells whether a worker's own work makes its calls late.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::time::clock::{Micros, micros};
use mockfleet_metrics::{Counters, MAX_ON_TIME_DELAY_US};

/// The work of a worker up to a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkMark {
    pub(crate) at: Instant,
    /// Microseconds of calls and their messages.
    pub(crate) calls_us: u64,
    /// Microseconds of connections.
    pub(crate) io_us: u64,
}

impl WorkMark {
    fn work_us(&self) -> u64 {
        self.calls_us + self.io_us
    }
}

/// The rounds of a worker, and the calls that were late in them.
///
/// A round that has late calls is measured together with the one before it: a long call delays
/// those of the next round.
#[derive(Debug)]
pub(crate) struct LateWatch {
    /// The start of the time that the next late call is measured from.
    from: WorkMark,
    last: WorkMark,
    /// The latest call of this round.
    latest_us: Micros,
    missed: u64,
    /// Whether calls were late since the last publication.
    was_late: bool,
    /// Work and processor time at the last publication.
    published: (u64, Duration),
}

impl LateWatch {
    /// Starts with the first round.
    pub(crate) fn new(now: Instant) -> Self {
        let start = WorkMark {
            at: now,
            calls_us: 0,
            io_us: 0,
        };
        Self {
            from: start,
            last: start,
            latest_us: 0,
            missed: 0,
            was_late: false,
            published: (0, thread_cpu_time()),
        }
    }

    /// Notes the delay of a call.
    #[inline]
    pub(crate) fn note_call(&mut self, late: Micros) {
        self.latest_us = self.latest_us.max(late);
    }

    /// Ends a round, and measures it if it had late or missed calls.
    pub(crate) fn note_round(&mut self, mark: WorkMark, counters: &mut Counters) {
        let latest = std::mem::take(&mut self.latest_us);
        let missed =
            counters.missed_ticks - std::mem::replace(&mut self.missed, counters.missed_ticks);
        if latest <= MAX_ON_TIME_DELAY_US && missed == 0 {
            self.from = std::mem::replace(&mut self.last, mark);
            return;
        }
        let all = micros(mark.at.saturating_duration_since(self.from.at));
        let calls = mark.calls_us.saturating_sub(self.from.calls_us);
        let io = mark.io_us.saturating_sub(self.from.io_us);
        // The worker may have slept before the call was due. A missed tick has no delay.
        let waited = match missed {
            0 => latest.max(calls + io).min(all),
            _ => all,
        };
        let late = &mut counters.late;
        late.waited_us += waited;
        late.calls_us += calls;
        late.io_us += io;
        self.was_late = true;
        (self.from, self.last) = (mark, mark);
    }

    /// Adds the processor time since the last publication, if calls were late in it.
    pub(crate) fn publish(&mut self, counters: &mut Counters) {
        let (work, cpu) = (self.last.work_us(), thread_cpu_time());
        let (work_before, cpu_before) = std::mem::replace(&mut self.published, (work, cpu));
        if std::mem::take(&mut self.was_late) {
            counters.late.work_us += work.saturating_sub(work_before);
            counters.late.cpu_us += micros(cpu.saturating_sub(cpu_before));
        }
    }
}

/// Returns the processor time of this thread.
fn thread_cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// Runs rounds of seconds: the time, the work for calls and the work for connections by
    /// its end, and the delay of a call in it.
    fn counters_after(rounds: &[(u64, u64, u64, Micros)]) -> Counters {
        let start = Instant::now();
        let mut watch = LateWatch::new(start);
        let mut counters = Counters::default();
        for (at, calls, io, late) in rounds {
            watch.note_call(*late);
            let mark = WorkMark {
                at: start + Duration::from_secs(*at),
                calls_us: calls * SECOND,
                io_us: io * SECOND,
            };
            watch.note_round(mark, &mut counters);
        }
        counters
    }

    #[test]
    fn connection_that_delays_calls_is_measured() {
        let counters = counters_after(&[(10, 0, 0, 0), (20, 1, 0, 0), (25, 1, 5, 5 * SECOND)]);
        let late = counters.late;
        assert_eq!(
            (late.waited_us, late.calls_us, late.io_us),
            (6 * SECOND, SECOND, 5 * SECOND)
        );
    }

    #[test]
    fn long_call_delays_the_next_round() {
        let counters = counters_after(&[(10, 0, 0, 0), (14, 4, 0, 0), (15, 4, 0, 4 * SECOND)]);
        let late = counters.late;
        assert_eq!(
            (late.waited_us, late.calls_us, late.io_us),
            (4 * SECOND, 4 * SECOND, 0)
        );
    }

    #[test]
    fn worker_without_work_was_held_up() {
        let counters = counters_after(&[(10, 0, 0, 0), (14, 0, 0, 3 * SECOND)]);
        let late = counters.late;
        assert_eq!(
            (late.waited_us, late.calls_us, late.io_us),
            (3 * SECOND, 0, 0)
        );
    }

    #[test]
    fn rounds_on_time_are_not_measured() {
        let counters = counters_after(&[(10, 9, 0, 0), (14, 9, 4, MAX_ON_TIME_DELAY_US)]);
        assert_eq!(counters.late.waited_us, 0);
    }
}
