//! Bounds the memory that one worker's messages take on their way.
//!
//! Each kind of memory has an account. Rows for the log and acknowledgements to the broker have a
//! reserve of an eighth that others cannot take: messages wait for both, and neither may wait for
//! messages. What comes from the backend has at most a quarter.

use std::cell::Cell;

/// A kind of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Messages without an outcome.
    Outboxes,
    /// Rows that the log has not taken yet.
    Log,
    /// Events that devices are still to be called for.
    Receipts,
    /// Messages from the backend that devices have not received.
    Downlink,
    /// Acknowledgements that are not written to the broker yet.
    Acks,
}

/// The memory of one worker's messages, in bytes.
#[derive(Debug)]
pub struct MemoryBudget {
    limit: usize,
    used: [Cell<usize>; 5],
}

impl MemoryBudget {
    /// Limits the memory to this number of bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: Default::default(),
        }
    }

    fn account(&self, account: Account) -> &Cell<usize> {
        let [outboxes, log, receipts, downlink, acks] = &self.used;
        match account {
            Account::Outboxes => outboxes,
            Account::Log => log,
            Account::Receipts => receipts,
            Account::Downlink => downlink,
            Account::Acks => acks,
        }
    }

    /// Adds bytes to an account.
    #[inline]
    pub fn add(&self, account: Account, bytes: usize) {
        let used = self.account(account);
        used.set(used.get().saturating_add(bytes));
    }

    /// Removes bytes from an account.
    #[inline]
    pub fn remove(&self, account: Account, bytes: usize) {
        let used = self.account(account);
        used.set(used.get().saturating_sub(bytes));
    }

    /// Sets the bytes of an account.
    pub fn set(&self, account: Account, bytes: usize) {
        self.account(account).set(bytes);
    }

    /// Returns the bytes of an account.
    #[must_use]
    pub fn used(&self, account: Account) -> usize {
        self.account(account).get()
    }

    /// Returns the bytes of all accounts.
    #[must_use]
    pub fn total(&self) -> usize {
        self.used
            .iter()
            .fold(0, |all, used| all.saturating_add(used.get()))
    }

    /// Returns whether devices may make messages: all accounts, with what is left of the
    /// reserves, are below the limit.
    #[inline]
    #[must_use]
    pub fn has_room(&self) -> bool {
        let reserve = self.limit / 8;
        let rest = |account| reserve.saturating_sub(self.used(account));
        let reserved = rest(Account::Log).saturating_add(rest(Account::Acks));
        self.total().saturating_add(reserved) < self.limit
    }

    /// Returns whether the log has more rows than it may: more than its reserve, while all is
    /// full.
    #[inline]
    #[must_use]
    pub fn log_is_full(&self) -> bool {
        self.used(Account::Log) >= self.limit / 8 && self.total() >= self.limit
    }

    /// Returns whether the messages from the backend have less than their quarter.
    #[inline]
    pub(crate) fn has_room_for_downlink(&self) -> bool {
        self.used(Account::Downlink) < self.limit / 4
    }

    /// Returns whether the acknowledgements have less than their eighth.
    #[inline]
    pub(crate) fn has_room_for_acks(&self) -> bool {
        self.used(Account::Acks) < self.limit / 8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn log_and_acks_have_reserves() {
        let budget = MemoryBudget::new(800);
        assert!(budget.has_room());
        budget.add(Account::Outboxes, 599);
        assert!(budget.has_room());
        budget.add(Account::Outboxes, 1);
        assert!(!budget.has_room(), "two reserves of 100 are left");
        budget.set(Account::Log, 100);
        assert!(!budget.has_room() && !budget.log_is_full());
        budget.add(Account::Acks, 100);
        assert!(
            budget.log_is_full(),
            "all is full, and the log has its reserve"
        );
        budget.remove(Account::Outboxes, 600);
        assert!(budget.has_room() && !budget.log_is_full());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Message(usize),
        Confirmed(usize),
        Rows(usize),
        Encoded(usize),
        Received(usize),
        Handled(usize),
        Ack(usize),
        Written(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = 0_usize..2_000;
        prop_oneof![
            bytes.clone().prop_map(Step::Message),
            bytes.clone().prop_map(Step::Confirmed),
            bytes.clone().prop_map(Step::Rows),
            bytes.clone().prop_map(Step::Encoded),
            bytes.clone().prop_map(Step::Received),
            bytes.clone().prop_map(Step::Handled),
            bytes.clone().prop_map(Step::Ack),
            bytes.prop_map(Step::Written),
        ]
    }

    proptest! {
        /// Whoever asks first exceeds the limit by what it adds at once, and by the reserves.
        #[test]
        fn all_accounts_together_hold_the_limit(steps in prop::collection::vec(step(), 1..2_000)) {
            let limit = 100_000;
            let budget = MemoryBudget::new(limit);
            for step in steps {
                match step {
                    Step::Message(bytes) if budget.has_room() && !budget.log_is_full() => {
                        budget.add(Account::Outboxes, bytes);
                        budget.add(Account::Log, bytes);
                    }
                    Step::Rows(bytes) if !budget.log_is_full() => budget.add(Account::Log, bytes),
                    Step::Received(bytes) if budget.has_room_for_downlink() => {
                        budget.add(Account::Downlink, bytes);
                    }
                    Step::Ack(bytes) if budget.has_room_for_acks() => {
                        budget.add(Account::Acks, bytes);
                    }
                    Step::Confirmed(bytes) => budget.remove(Account::Outboxes, bytes),
                    Step::Encoded(bytes) => budget.remove(Account::Log, bytes),
                    Step::Handled(bytes) => budget.remove(Account::Downlink, bytes),
                    Step::Written(bytes) => budget.remove(Account::Acks, bytes),
                    _ => {}
                }
                let most = limit + limit / 8 + limit / 4 + 8_000;
                prop_assert!(budget.total() <= most, "{budget:?}");
                prop_assert!(budget.used(Account::Downlink) <= limit / 4 + 2_000);
                prop_assert!(budget.used(Account::Acks) <= limit / 8 + 2_000);
            }
        }
    }
}
