//! Where a worker's transports put their reports, and what wakes the worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use super::{Outcome, Report, Settled};

/// Reports of all transports of one worker, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    reports: RefCell<Vec<Report>>,
    arrived: Notify,
    /// Whether the worker already knows: one wake-up for any number of reports.
    told: Cell<bool>,
}

impl Inbox {
    /// Adds a report and wakes the worker if it sleeps.
    pub fn put(&self, report: Report) {
        self.0.reports.borrow_mut().push(report);
        if !self.0.told.replace(true) {
            self.0.arrived.notify_one();
        }
    }

    /// Adds the end of an envelope that has no confirmation.
    pub(super) fn settle(&self, settled: Settled) {
        self.put(Report::Settled(settled));
    }

    /// Swaps the reports so far into `into`, which should be empty.
    pub fn take(&self, into: &mut Vec<Report>) {
        self.0.told.set(false);
        std::mem::swap(&mut *self.0.reports.borrow_mut(), into);
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.reports.borrow().is_empty()
    }

    /// Waits for the next report.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }
}

impl Settled {
    /// An envelope that will not be sent (again).
    #[must_use]
    pub fn unsent(envelope: super::Envelope, outcome: Outcome, why: Rc<str>) -> Self {
        Self {
            envelope,
            outcome,
            code: None,
            error: Some(why),
            sent_at: None,
            acked_at: None,
        }
    }
}
