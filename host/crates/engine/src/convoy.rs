//! Where each worker of a run at full speed is. Their clocks are their own, and the log
//! is sorted by the hour: no worker may run far ahead of the slowest, or hundreds of
//! hours would be written at the same time, and sent in no order. Knows nothing of what workers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use super::clock::Micros;

/// How far a worker may be ahead of the slowest where nothing is sent: rows of two or
/// three hours are then written at a time.
const WRITING: Micros = 3_600_000_000;

/// … and where messages leave, which a backend wants in the order of time.
const SENDING: Micros = 60_000_000;

/// The workers of a run, and how far each has come.
#[derive(Debug)]
pub(crate) struct Convoy {
    marks: Box<[AtomicU64]>,
    ahead: Micros,
    moved: Notify,
}

impl Convoy {
    pub(crate) fn new(workers: u32, sends: bool) -> Arc<Self> {
        Arc::new(Self {
            ahead: if sends { SENDING } else { WRITING },
            marks: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            moved: Notify::new(),
        })
    }

    /// How far all of them have come; [`Micros::MAX`] once all are done.
    pub(crate) fn reached(&self) -> Micros {
        let marks = self.marks.iter().map(|mark| mark.load(Ordering::Relaxed));
        marks.min().unwrap_or(Micros::MAX)
    }

    /// The place of a worker, counted from zero.
    pub(crate) fn place(self: &Arc<Self>, worker: u32) -> Place {
        Place {
            convoy: Arc::clone(self),
            worker: usize::try_from(worker).unwrap_or(usize::MAX),
            horizon: self.ahead,
        }
    }
}

/// One worker's place. A worker that is gone, however it ended, holds up nobody.
#[derive(Debug)]
pub(crate) struct Place {
    convoy: Arc<Convoy>,
    worker: usize,
    horizon: Micros,
}

impl Place {
    /// Whether this worker may go on to a moment now.
    pub(crate) fn may_reach(&mut self, moment: Micros) -> bool {
        if moment > self.horizon {
            self.horizon = self.convoy.reached().saturating_add(self.convoy.ahead);
        }
        moment <= self.horizon
    }

    /// This worker has nothing to do before a moment.
    pub(crate) fn reached(&self, moment: Micros) {
        if let Some(mark) = self.convoy.marks.get(self.worker)
            && mark.swap(moment, Ordering::Relaxed) != moment
        {
            self.convoy.moved.notify_waiters();
        }
    }

    /// Waits until another worker moves. One that moved just before is not heard: wait
    /// for a while only.
    pub(crate) async fn moved(&self) {
        self.convoy.moved.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.reached(Micros::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_runs_far_ahead_of_the_slowest_and_who_is_gone_holds_up_nobody() {
        const AHEAD: Micros = WRITING;
        let convoy = Convoy::new(2, false);
        let (mut fast, slow) = (convoy.place(0), convoy.place(1));
        assert!(fast.may_reach(AHEAD));
        assert!(!fast.may_reach(AHEAD + 1));
        fast.reached(AHEAD);
        assert!(!fast.may_reach(AHEAD + 10));
        slow.reached(10);
        assert_eq!(convoy.reached(), 10);
        assert!(fast.may_reach(AHEAD + 10));
        assert!(!fast.may_reach(AHEAD + 11));
        drop(slow);
        assert_eq!(convoy.reached(), AHEAD, "the only one there");
        assert!(fast.may_reach(2 * AHEAD));
        drop(fast);
        assert_eq!(convoy.reached(), Micros::MAX);
    }
}
