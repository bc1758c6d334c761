//! Queues the events of a worker's transports, and wakes the worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::event::{Completion, TransportEvent};

/// The events of all transports of one worker, in the order of their arrival.
#[derive(Debug, Clone, Default)]
pub struct EventInbox(Rc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    events: RefCell<Vec<TransportEvent>>,
    arrived: Notify,
    /// Whether the worker is notified: one wake-up for any number of events.
    notified: Cell<bool>,
}

impl EventInbox {
    /// Adds an event, and wakes the worker if it sleeps.
    #[inline]
    pub fn push(&self, event: TransportEvent) {
        self.0.events.borrow_mut().push(event);
        if !self.0.notified.replace(true) {
            self.0.arrived.notify_one();
        }
    }

    /// Adds the outcome of an envelope.
    #[inline]
    pub(crate) fn complete(&self, completion: Completion) {
        self.push(TransportEvent::Completed(completion));
    }

    /// Swaps the events so far into `into`, which should be empty.
    #[inline]
    pub fn take(&self, into: &mut Vec<TransportEvent>) {
        self.0.notified.set(false);
        std::mem::swap(&mut *self.0.events.borrow_mut(), into);
    }

    /// Returns whether the queue has no event.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.events.borrow().is_empty()
    }

    /// Waits for the next event.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }
}
