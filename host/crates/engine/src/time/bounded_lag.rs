//! Bounds the distance between the clocks of workers at full speed.
//!
//! Each worker has its own clock, and the log is partitioned by hour. Without the bound, a run
//! would write hundreds of hours at the same time, and send messages in no order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::time::clock::Micros;

/// Largest lead over the slowest worker if nothing is sent, in microseconds: 1 hour. Workers
/// then write rows of two or three hours at the same time.
const MAX_LAG_WRITING: Micros = 3_600_000_000;

/// Largest lead if messages are sent: 60 s, since a backend expects them in order of time.
const MAX_LAG_SENDING: Micros = 60_000_000;

/// The positions of all workers of a run in virtual time.
#[derive(Debug)]
pub(crate) struct BoundedLag {
    clocks: Box<[AtomicU64]>,
    max_lag: Micros,
    moved: Notify,
}

impl BoundedLag {
    pub(crate) fn new(workers: u32, sends: bool) -> Arc<Self> {
        Arc::new(Self {
            max_lag: if sends {
                MAX_LAG_SENDING
            } else {
                MAX_LAG_WRITING
            },
            clocks: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            moved: Notify::new(),
        })
    }

    /// Returns the time that no worker is behind, [`Micros::MAX`] after the last worker has
    /// ended.
    pub(crate) fn lower_bound(&self) -> Micros {
        let clocks = self
            .clocks
            .iter()
            .map(|clock| clock.load(Ordering::Relaxed));
        clocks.min().unwrap_or(Micros::MAX)
    }

    /// Returns the clock of a worker, by number from 0.
    pub(crate) fn worker_clock(self: &Arc<Self>, worker: u32) -> WorkerClock {
        WorkerClock {
            bounded_lag: Arc::clone(self),
            worker: usize::try_from(worker).unwrap_or(usize::MAX),
            horizon: self.max_lag,
        }
    }
}

/// The clock of one worker. When it is dropped, the worker no longer holds back the others.
#[derive(Debug)]
pub(crate) struct WorkerClock {
    bounded_lag: Arc<BoundedLag>,
    worker: usize,
    horizon: Micros,
}

impl WorkerClock {
    /// Returns whether this worker may advance to a time now.
    pub(crate) fn may_advance_to(&mut self, moment: Micros) -> bool {
        if moment > self.horizon {
            self.horizon = self
                .bounded_lag
                .lower_bound()
                .saturating_add(self.bounded_lag.max_lag);
        }
        moment <= self.horizon
    }

    /// Reports that this worker has no event before a time.
    pub(crate) fn advance_to(&self, moment: Micros) {
        if let Some(clock) = self.bounded_lag.clocks.get(self.worker)
            && clock.swap(moment, Ordering::Relaxed) != moment
        {
            self.bounded_lag.moved.notify_waiters();
        }
    }

    /// Waits until another worker advances. It misses an advance just before the call, so the
    /// caller needs a timeout.
    pub(crate) async fn moved(&self) {
        self.bounded_lag.moved.notified().await;
    }
}

impl Drop for WorkerClock {
    fn drop(&mut self) {
        self.advance_to(Micros::MAX);
    }
}

/// Time between two tries of a worker whose clock cannot advance.
const STALL_POLL: Duration = Duration::from_millis(1);

/// The part of a worker that a virtual clock needs.
#[derive(Default)]
pub(crate) struct VirtualTime {
    /// This worker's clock among those of all workers; `None` if the clock is not virtual.
    worker_clock: Option<WorkerClock>,
    /// True while the clock waits for a message to complete, or for another worker.
    pub(crate) stalled: bool,
}

impl VirtualTime {
    pub(crate) fn new(worker_clock: Option<WorkerClock>) -> Self {
        Self {
            worker_clock,
            stalled: false,
        }
    }

    /// Returns when to continue.
    pub(crate) fn next_wakeup(&self, now: Instant) -> Instant {
        match self.stalled {
            true => now + STALL_POLL,
            false => now,
        }
    }

    /// Waits until another worker's clock advances.
    pub(crate) async fn other_clock_advanced(&self) {
        match &self.worker_clock {
            Some(worker_clock) => worker_clock.moved().await,
            None => std::future::pending().await,
        }
    }

    /// Returns whether the other workers are near enough to advance to `moment`.
    pub(crate) fn may_advance_to(&mut self, moment: Micros) -> bool {
        self.worker_clock
            .as_mut()
            .is_none_or(|worker_clock| worker_clock.may_advance_to(moment))
    }

    /// Tells the other workers that this one has reached `moment`.
    pub(crate) fn publish(&self, moment: Micros) {
        if let Some(worker_clock) = &self.worker_clock {
            worker_clock.advance_to(moment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_worker_does_not_hold_back_others() {
        const AHEAD: Micros = MAX_LAG_WRITING;
        let bounded_lag = BoundedLag::new(2, false);
        let (mut fast, slow) = (bounded_lag.worker_clock(0), bounded_lag.worker_clock(1));
        assert!(fast.may_advance_to(AHEAD));
        assert!(!fast.may_advance_to(AHEAD + 1));
        fast.advance_to(AHEAD);
        assert!(!fast.may_advance_to(AHEAD + 10));
        slow.advance_to(10);
        assert_eq!(bounded_lag.lower_bound(), 10);
        assert!(fast.may_advance_to(AHEAD + 10));
        assert!(!fast.may_advance_to(AHEAD + 11));
        drop(slow);
        assert_eq!(bounded_lag.lower_bound(), AHEAD, "the only one there");
        assert!(fast.may_advance_to(2 * AHEAD));
        drop(fast);
        assert_eq!(bounded_lag.lower_bound(), Micros::MAX);
    }
}
