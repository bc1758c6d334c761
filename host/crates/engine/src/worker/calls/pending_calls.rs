//! Queues the calls that events cause, by group.
//!
//! Groups take turns, so that devices with many events do not delay those of other groups. The
//! receipts of a device that answers each dropped message with another one come ever later.

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::time::clock::Micros;
use mockfleet_plugin::Receipt;
use mockfleet_transport::{DeviceIndex, Downlink, HeldBytes};

/// Time that the calls of a group may take before it is another group's turn.
const QUANTUM: Duration = Duration::from_micros(500);

/// Time by which a receipt is late whose message was an answer to the receipt of a dropped
/// message. It doubles with each further one.
const FIRST_DELAY: Micros = 10_000;

/// The longest time by which a receipt is late.
const MAX_DELAY: Micros = 10_000_000;

/// Number of delayed receipts of one device.
const MAX_DELAYED: u32 = 100;

/// An event that a device is called for.
#[derive(Debug)]
pub(crate) enum PendingEvent {
    Connected,
    Disconnected(String),
    Received(Box<Downlink>),
    /// A message that was too large: no call, and an event in the log.
    Oversize(String, HeldBytes),
    /// A receipt, and the number of dropped messages in a row that led to its message.
    Settled(Receipt, u8),
}

/// A call that an event causes.
#[derive(Debug)]
pub(crate) struct PendingCall {
    pub(crate) slot: DeviceIndex,
    pub(crate) event: PendingEvent,
}

/// The pending calls of a worker.
#[derive(Debug, Default)]
pub(crate) struct PendingCalls {
    groups: Vec<VecDeque<PendingCall>>,
    /// Groups with calls, in the order of their turns.
    turns: VecDeque<u32>,
    /// Time that the first of them may still take.
    left: Duration,
    /// Calls in `groups`.
    queued: usize,
    /// Receipts that are delayed, by the time at which they are due.
    delayed: std::collections::BTreeMap<(Micros, u64), (u32, PendingCall)>,
    /// Number of delayed receipts of each device.
    delayed_of: FxHashMap<DeviceIndex, u32>,
    /// Receipts that wait for memory.
    held: Vec<(u32, PendingCall)>,
    /// Number of receipts that were delayed so far.
    sequence: u64,
}

impl PendingCalls {
    pub(crate) fn new(groups: usize) -> Self {
        let mut queues = Vec::new();
        queues.resize_with(groups, VecDeque::new);
        Self {
            groups: queues,
            ..Self::default()
        }
    }

    /// Returns whether a call is pending now.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Returns whether a call is pending, now or later.
    #[inline]
    pub(crate) fn has_any(&self) -> bool {
        self.count() > 0
    }

    /// Returns the number of calls, with those of delayed and of held receipts.
    fn count(&self) -> usize {
        self.queued + self.delayed.len() + self.held.len()
    }

    /// Keeps a receipt until there is memory for the messages that it may cause.
    pub(crate) fn hold(&mut self, group: u32, call: PendingCall) {
        self.held.push((group, call));
    }

    /// Moves the receipts that were held to the other calls.
    pub(crate) fn release_held(&mut self) {
        for (group, call) in std::mem::take(&mut self.held) {
            self.push(group, call);
        }
    }

    /// Adds a call of a device of this group.
    pub(crate) fn push(&mut self, group: u32, call: PendingCall) {
        let place = usize::try_from(group).unwrap_or(usize::MAX);
        let Some(queue) = self.groups.get_mut(place) else {
            return;
        };
        if queue.is_empty() {
            if self.turns.is_empty() {
                self.left = QUANTUM;
            }
            self.turns.push_back(group);
        }
        queue.push_back(call);
        self.queued += 1;
    }

    /// Adds the receipt of a message that is an answer to `drops` dropped messages in a row.
    /// Returns false if the device has too many delayed receipts, and does not receive this one.
    pub(crate) fn delay(&mut self, group: u32, call: PendingCall, drops: u8, now: Micros) -> bool {
        let of = self.delayed_of.entry(call.slot).or_default();
        if *of >= MAX_DELAYED {
            return false;
        }
        *of += 1;
        let delay = FIRST_DELAY << drops.saturating_sub(1).min(16);
        let due = now.saturating_add(delay.min(MAX_DELAY));
        self.sequence += 1;
        self.delayed.insert((due, self.sequence), (group, call));
        true
    }

    /// Moves the delayed receipts that are due to the other calls.
    pub(crate) fn release_delayed(&mut self, now: Micros) {
        while let Some(first) = self.delayed.first_entry()
            && first.key().0 <= now
        {
            let (group, call) = first.remove();
            if let Some(of) = self.delayed_of.get_mut(&call.slot) {
                *of -= 1;
                if *of == 0 {
                    self.delayed_of.remove(&call.slot);
                }
            }
            self.push(group, call);
        }
    }

    /// Returns the time at which the next delayed receipt is due.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let ((due, _), _) = self.delayed.first_key_value()?;
        Some(*due)
    }

    /// Removes the next call, with its group. [`Self::charge`] follows.
    pub(crate) fn pop(&mut self) -> Option<(u32, PendingCall)> {
        let group = *self.turns.front()?;
        let place = usize::try_from(group).unwrap_or(usize::MAX);
        let queue = self.groups.get_mut(place)?;
        let call = queue.pop_front()?;
        self.queued -= 1;
        if queue.is_empty() {
            queue.shrink_to(64);
            self.turns.pop_front();
            self.left = QUANTUM;
        }
        Some((group, call))
    }

    /// Charges the time of a call to its group.
    pub(crate) fn charge(&mut self, group: u32, spent: Duration) {
        if self.turns.front() != Some(&group) {
            return;
        }
        match self.left.checked_sub(spent).filter(|left| !left.is_zero()) {
            Some(left) => self.left = left,
            None => {
                self.turns.rotate_left(1);
                self.left = QUANTUM;
            }
        }
    }

    /// Returns the memory that the calls take, in bytes, without the payloads of downlink.
    pub(crate) fn bytes(&self) -> usize {
        /// A call with the texts of a receipt.
        const CALL_BYTES: usize = size_of::<PendingCall>() + 64;
        self.count().saturating_mul(CALL_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(slot: DeviceIndex) -> PendingCall {
        PendingCall {
            slot,
            event: PendingEvent::Connected,
        }
    }

    #[test]
    fn groups_with_calls_take_turns() {
        let mut calls = PendingCalls::new(2);
        for slot in 0..1_000 {
            calls.push(0, call(slot));
        }
        for slot in 1_000..1_003 {
            calls.push(1, call(slot));
        }
        let mut order = Vec::new();
        while let Some((group, call)) = calls.pop() {
            order.push(call.slot);
            calls.charge(group, Duration::from_micros(100));
        }
        assert_eq!(order.len(), 1_003);
        assert_eq!(order[..4], [0, 1, 2, 3]);
        let last = order.iter().position(|slot| *slot == 1_002).unwrap();
        assert!(last < 20, "{last}");
        let first_group: Vec<_> = order.iter().filter(|slot| **slot < 1_000).collect();
        assert!(first_group.is_sorted());
    }

    #[test]
    fn receipts_of_dropped_answers_come_ever_later() {
        let mut calls = PendingCalls::new(1);
        assert!(calls.delay(0, call(1), 1, 0));
        assert!(calls.delay(0, call(2), 2, 0));
        assert!(calls.delay(0, call(3), 200, 0));
        assert_eq!(calls.next_due(), Some(10_000));
        calls.release_delayed(9_999);
        assert!(calls.is_empty());
        calls.release_delayed(20_000);
        let mut due = std::iter::from_fn(|| calls.pop()).map(|(_, call)| call.slot);
        assert_eq!(
            (due.next(), due.next(), due.next()),
            (Some(1), Some(2), None)
        );
        assert_eq!(calls.next_due(), Some(10_000_000));
        for _ in 0..MAX_DELAYED {
            assert!(calls.delay(0, call(5), 1, 0));
        }
        assert!(!calls.delay(0, call(5), 1, 0));
        calls.release_delayed(10_000);
        assert!(calls.delay(0, call(5), 1, 0));
    }
}
