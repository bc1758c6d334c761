//! Maps the time of a run to the time of its schedules.
//!
//! A microsecond of run time is one microsecond of schedule time, and more while a breakpoint
//! search raises the rate. One writer appends rate changes, and every worker reads them.
//! Scaling keeps the order of ticks, so the queue is not rebuilt.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::time::clock::Micros;
use crate::time::numbers::scale;

/// A change of the rate: from `at` on, schedule time advances `factor` times as fast.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RateChange {
    at: Micros,
    schedule_time: Micros,
    factor: f64,
}

impl RateChange {
    fn schedule_time(&self, at: Micros) -> Micros {
        self.schedule_time
            .saturating_add(scale(at.saturating_sub(self.at), self.factor))
    }
}

/// The rate changes of a run, shared by the writer and all workers.
#[derive(Debug, Default)]
pub(crate) struct RateChanges {
    /// Number of changes.
    count: AtomicUsize,
    changes: Mutex<Vec<RateChange>>,
}

impl RateChanges {
    /// Makes every schedule `factor` times faster from `at` on. `at` is not before the `at` of
    /// an earlier call.
    pub(crate) fn change(&self, at: Micros, factor: f64) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let schedule_time = changes.last().map_or(at, |last| last.schedule_time(at));
        changes.push(RateChange {
            at,
            schedule_time,
            factor,
        });
        self.count.store(changes.len(), Ordering::Release);
    }

    fn copy(&self) -> Vec<RateChange> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.clone()
    }
}

/// One worker's copy of the rate changes.
#[derive(Debug, Default)]
pub(crate) struct RateScale {
    shared: Option<Arc<RateChanges>>,
    changes: Vec<RateChange>,
}

impl RateScale {
    /// Follows shared changes. Without them, schedule time is run time.
    pub(crate) fn new(shared: Option<Arc<RateChanges>>) -> Self {
        Self {
            shared,
            changes: Vec::new(),
        }
    }

    /// Copies new changes.
    pub(crate) fn refresh(&mut self) {
        if let Some(shared) = &self.shared
            && shared.count.load(Ordering::Acquire) != self.changes.len()
        {
            self.changes = shared.copy();
        }
    }

    /// Returns the schedule time at a run time.
    pub(crate) fn schedule_time(&self, at: Micros) -> Micros {
        let change = self.changes.iter().rev().find(|change| change.at <= at);
        change.map_or(at, |change| change.schedule_time(at))
    }

    /// Returns the run time of a schedule time, [`Micros::MAX`] for [`Micros::MAX`].
    pub(crate) fn run_time(&self, schedule_time: Micros) -> Micros {
        let mut changes = self.changes.iter().rev();
        let change = changes.find(|change| change.schedule_time <= schedule_time);
        match change {
            None => schedule_time,
            Some(_) if schedule_time == Micros::MAX => schedule_time,
            Some(change) => change.at.saturating_add(scale(
                schedule_time - change.schedule_time,
                change.factor.recip(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(changes: &[(Micros, f64)]) -> RateScale {
        let shared = Arc::new(RateChanges::default());
        let mut scale = RateScale::new(Some(Arc::clone(&shared)));
        for (at, factor) in changes {
            shared.change(*at, *factor);
        }
        scale.refresh();
        scale
    }

    #[test]
    fn without_changes_a_beat_is_a_microsecond() {
        for scale in [RateScale::default(), scale(&[])] {
            assert_eq!((scale.schedule_time(7), scale.run_time(7)), (7, 7));
            assert_eq!(scale.run_time(Micros::MAX), Micros::MAX);
        }
    }

    #[test]
    fn beats_go_by_faster_and_slower_and_never_jump() {
        let scale = scale(&[(1_000, 2.0), (2_000, 0.5)]);
        assert_eq!(
            [500, 1_000, 1_500, 2_000, 3_000].map(|at| scale.schedule_time(at)),
            [500, 1_000, 2_000, 3_000, 3_500]
        );
        for at in 0..5_000 {
            assert!(
                scale.run_time(scale.schedule_time(at)).abs_diff(at) <= 1,
                "{at}"
            );
        }
    }
}
