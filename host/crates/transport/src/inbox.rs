//! Queues the events of a worker's transports, and wakes the worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;

use crate::event::{Completion, TransportEvent};
use crate::flow::memory_budget::MemoryBudget;

/// The events of all transports of one worker, in the order of their arrival.
#[derive(Debug, Clone, Default)]
pub struct EventInbox(Rc<Queue>);

#[derive(Debug)]
struct Queue {
    events: RefCell<Vec<TransportEvent>>,
    arrived: Notify,
    /// Whether the worker is notified: one wake-up for any number of events.
    notified: Cell<bool>,
    budget: Rc<MemoryBudget>,
}

impl Default for Queue {
    /// Makes a queue without a limit of memory.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Queue {
    fn new(limit: usize) -> Self {
        Self {
            events: RefCell::default(),
            arrived: Notify::default(),
            notified: Cell::default(),
            budget: Rc::new(MemoryBudget::new(limit)),
        }
    }
}

impl EventInbox {
    /// Makes the inbox of a worker whose messages take at most this number of bytes.
    #[must_use]
    pub fn with_limit(bytes: usize) -> Self {
        Self(Rc::new(Queue::new(bytes)))
    }

    /// Returns the memory of the worker's messages.
    #[inline]
    #[must_use]
    pub fn budget(&self) -> &Rc<MemoryBudget> {
        &self.0.budget
    }

    /// Adds an event, and wakes the worker if it sleeps.
    #[inline]
    pub fn push(&self, event: TransportEvent) {
        self.0.events.borrow_mut().push(event);
        if !self.0.notified.replace(true) {
            self.0.arrived.notify_one();
        }
    }

    /// Adds a warning whose text is its kind.
    pub(crate) fn warn(&self, text: String) {
        self.warn_as(text.clone(), text);
    }

    /// Adds a warning. Warnings of one kind in a row are one event: a backend can cause them as
    /// fast as it sends.
    pub(crate) fn warn_as(&self, kind: String, text: String) {
        if let Some(TransportEvent::Warning {
            kind: last, times, ..
        }) = self.0.events.borrow_mut().last_mut()
            && *last == kind
        {
            *times += 1;
            return;
        }
        self.push(TransportEvent::Warning {
            kind,
            text,
            times: 1,
        });
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
