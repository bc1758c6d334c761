//! Counts the messages of a connection that its devices have not received.
//!
//! A connection is not read while its devices are behind, so that a backend that floods one
//! device takes neither memory nor time from the others.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::flow::memory_budget::{Account, MemoryBudget};

/// Bytes of messages that wait for the devices of one connection, 1 MiB.
const MAX_WAITING_BYTES: usize = 1 << 20;

/// Bytes of a message beside its payload: its event, and its row in the log.
const MESSAGE_BYTES: usize = 256;

/// The messages of one connection that its devices have not received.
#[derive(Debug)]
pub(crate) struct Backlog {
    budget: Rc<MemoryBudget>,
    bytes: Cell<usize>,
    /// Wakes the connection once it may be read again.
    waker: RefCell<Option<Waker>>,
}

impl Backlog {
    pub(crate) fn new(budget: Rc<MemoryBudget>) -> Rc<Self> {
        Rc::new(Self {
            budget,
            bytes: Cell::default(),
            waker: RefCell::default(),
        })
    }

    /// Counts a message with a payload of this length, until the result is dropped.
    pub(crate) fn hold(self: &Rc<Self>, payload: usize) -> HeldBytes {
        let bytes = payload.saturating_add(MESSAGE_BYTES);
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.budget.add(Account::Downlink, bytes);
        HeldBytes {
            backlog: Rc::clone(self),
            bytes,
        }
    }

    /// Returns whether the connection is read. If it is not, it is woken later.
    #[inline]
    pub(crate) fn may_read(&self, cx: &Context<'_>) -> bool {
        let is_idle = self.bytes.get() == 0;
        if is_idle || self.is_short() {
            return true;
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        false
    }

    fn is_short(&self) -> bool {
        let limit = match self.budget.has_room_for_downlink() {
            true => MAX_WAITING_BYTES,
            false => MESSAGE_BYTES,
        };
        self.bytes.get() < limit
    }
}

/// A message that its device has not received. It does not count any more once this is dropped.
#[derive(Debug)]
pub struct HeldBytes {
    backlog: Rc<Backlog>,
    bytes: usize,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        let backlog = &self.backlog;
        backlog.budget.remove(Account::Downlink, self.bytes);
        let left = backlog.bytes.get().saturating_sub(self.bytes);
        backlog.bytes.set(left);
        // At half: a connection that is woken for each message reads one each time.
        if left <= MAX_WAITING_BYTES / 2
            && backlog.is_short()
            && let Some(waker) = backlog.waker.borrow_mut().take()
        {
            waker.wake();
        }
    }
}

/// Bytes of a buffer that count in an account, as long as this is not dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Rc<MemoryBudget>,
    account: Account,
    bytes: usize,
}

impl Charge {
    pub(crate) fn new(budget: &Rc<MemoryBudget>, account: Account) -> Self {
        Self {
            budget: Rc::clone(budget),
            account,
            bytes: 0,
        }
    }

    /// Sets the bytes that count.
    #[inline]
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        self.budget.remove(self.account, self.bytes);
        self.budget.add(self.account, bytes);
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.remove(self.account, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn connection_is_read_again_at_half() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&waker);
        let backlog = Backlog::new(Rc::new(MemoryBudget::new(usize::MAX)));
        let mut held = Vec::new();
        while backlog.may_read(&cx) {
            held.push(backlog.hold(0));
        }
        assert_eq!(held.len(), 4_096);
        held.drain(..2_047);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        held.pop();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(backlog.may_read(&cx));
    }

    #[test]
    fn full_budget_stops_connections_with_a_backlog_only() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let cx = Context::from_waker(&waker);
        let budget = Rc::new(MemoryBudget::new(8_000));
        let (busy, idle) = (
            Backlog::new(Rc::clone(&budget)),
            Backlog::new(Rc::clone(&budget)),
        );
        let held = busy.hold(2_000);
        assert!(!busy.may_read(&cx) && idle.may_read(&cx));
        drop(held);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert!(busy.may_read(&cx));
        assert_eq!(budget.total(), 0);
        let mut charge = Charge::new(&budget, Account::Acks);
        charge.set(500);
        charge.set(300);
        assert_eq!(budget.total(), 300);
        drop(charge);
        assert_eq!(budget.total(), 0);
    }
}
