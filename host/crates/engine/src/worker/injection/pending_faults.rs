//! Holds the pending work of injected faults: delayed messages and link changes.
//!
//! Each held message is already in the log, and is sent or completed like any other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::faults::group_faults::Release;
use crate::time::clock::Micros;
use crate::worker::injection::pending_action::PendingAction;
use mockfleet_transport::{Cause, Completion, DeviceIndex, Envelope, Outcome, Transport};

/// The faults of one worker that have begun.
#[derive(Default)]
pub(crate) struct PendingFaults {
    /// Due times with the numbers of the actions; actions of one time keep their order.
    moments: BinaryHeap<Reverse<(Micros, u64)>>,
    actions: FxHashMap<u64, PendingAction>,
    /// Number of the next action.
    next_number: u64,
    /// Number of delayed messages, by device.
    delayed: FxHashMap<DeviceIndex, u32>,
    /// Messages that wait until others of their device are sent.
    reordered: FxHashMap<DeviceIndex, Vec<ReorderHold>>,
    /// Time at which the last message leaves a slow link, by device: no other overtakes it.
    slow_until: FxHashMap<DeviceIndex, Micros>,
    /// Numbers of the faults that break a link now, by device.
    pub(crate) broken_links: FxHashMap<DeviceIndex, Vec<usize>>,
    /// The fault that has broken a device's link. It is the cause of a full outbox until a
    /// message gets through again.
    pub(crate) blame: FxHashMap<DeviceIndex, Rc<str>>,
}

struct ReorderHold {
    /// Number of messages that leave before it.
    left: u32,
    envelope: Box<Envelope>,
}

impl PendingFaults {
    /// Returns the time of the next action.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let Reverse((at, _)) = self.moments.peek()?;
        Some(*at)
    }

    /// Returns whether the outbox of a device stays full until time passes: its link is broken, or
    /// its messages are delayed.
    pub(crate) fn needs_time(&self, slot: DeviceIndex) -> bool {
        self.broken_links.contains_key(&slot)
            || self.delayed.contains_key(&slot)
            || self.reordered.contains_key(&slot)
    }

    /// Adds an action.
    pub(crate) fn push(&mut self, at: Micros, due: PendingAction) {
        if let PendingAction::Message(envelope) = &due {
            *self.delayed.entry(envelope.device).or_default() += 1;
        }
        self.moments.push(Reverse((at, self.next_number)));
        self.actions.insert(self.next_number, due);
        self.next_number += 1;
    }

    /// Takes the next action that is due at `now`.
    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, PendingAction)> {
        while let Some(Reverse((at, number))) = self.moments.peek().copied() {
            if at > now {
                return None;
            }
            self.moments.pop();
            // The messages of a retired device have left early.
            if let Some(due) = self.take(number) {
                return Some((at, due));
            }
        }
        None
    }

    fn take(&mut self, number: u64) -> Option<PendingAction> {
        let due = self.actions.remove(&number)?;
        if let PendingAction::Message(envelope) = &due
            && let Some(count) = self.delayed.get_mut(&envelope.device)
        {
            *count -= 1;
            if *count == 0 {
                self.delayed.remove(&envelope.device);
            }
        }
        Some(due)
    }

    /// Submits a message to its transport, now or when its delay is over.
    pub(crate) fn dispatch(
        &mut self,
        transport: &mut dyn Transport,
        envelope: Box<Envelope>,
        release: Release,
        latency: Micros,
    ) {
        let slot = envelope.device;
        let at = self.link_delay(slot, envelope.due, latency);
        match (release, at) {
            (Release::Behind(left), _) => {
                let behind = self.reordered.entry(slot).or_default();
                behind.push(ReorderHold { left, envelope });
            }
            (Release::After(length), at) => {
                let at = at.unwrap_or(envelope.due).saturating_add(length);
                self.push(at, PendingAction::Message(envelope));
            }
            (_, Some(at)) => self.push(at, PendingAction::Message(envelope)),
            (_, None) => self.submit(transport, envelope),
        }
    }

    /// Returns the time at which a message leaves a slow link: after `latency`, and not before the
    /// message ahead of it. `None` if it leaves now.
    fn link_delay(&mut self, slot: DeviceIndex, due: Micros, latency: Micros) -> Option<Micros> {
        if latency == 0 && self.slow_until.is_empty() {
            return None;
        }
        let before = self.slow_until.get(&slot).copied().unwrap_or_default();
        let at = due.saturating_add(latency).max(before);
        if latency == 0 && before <= due {
            self.slow_until.remove(&slot);
            return None;
        }
        self.slow_until.insert(slot, at);
        Some(at)
    }

    /// Submits a message, and the reordered messages that have waited for it.
    pub(crate) fn submit(&mut self, transport: &mut dyn Transport, envelope: Box<Envelope>) {
        let (slot, copy) = (envelope.device, envelope.copy);
        transport.submit(envelope);
        let Some(behind) = self.reordered.get_mut(&slot).filter(|_| copy == 0) else {
            return;
        };
        for held in behind.iter_mut() {
            held.left -= 1;
        }
        for held in behind.extract_if(.., |held| held.left == 0) {
            transport.submit(held.envelope);
        }
        if behind.is_empty() {
            self.reordered.remove(&slot);
        }
    }

    /// Takes all held messages of a device, in the order in which they would have left.
    pub(crate) fn release(
        &mut self,
        slot: DeviceIndex,
    ) -> impl Iterator<Item = Box<Envelope>> + use<> {
        let of_it = |due: &PendingAction| matches!(due, PendingAction::Message(envelope) if envelope.device == slot);
        let held = self.actions.iter().filter(|(_, due)| of_it(due));
        let mut numbers: Vec<u64> = held.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut released = Vec::new();
        for number in numbers {
            if let Some(PendingAction::Message(envelope)) = self.take(number) {
                released.push(envelope);
            }
        }
        let behind = self.reordered.remove(&slot).unwrap_or_default();
        released.extend(behind.into_iter().map(|held| held.envelope));
        released.into_iter()
    }

    /// Takes all held messages of all devices, and forgets all actions.
    pub(crate) fn release_all(&mut self) -> impl Iterator<Item = Box<Envelope>> + use<> {
        let mut released = Vec::new();
        while let Some((_, due)) = self.pop(Micros::MAX) {
            if let PendingAction::Message(envelope) = due {
                released.push(envelope);
            }
        }
        let mut slots: Vec<DeviceIndex> = self.reordered.keys().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            released.extend(self.release(slot));
        }
        released.into_iter()
    }

    /// Names the fault as the cause in a completion, if it was the cause. Returns whether a fault
    /// has changed the times of the message, so that they say nothing about the backend.
    pub(crate) fn attribute(&mut self, completion: &mut Completion) -> bool {
        let slot = completion.envelope.device;
        let blamed = self.blame.contains_key(&slot);
        match completion.outcome {
            Outcome::Acked | Outcome::Sent | Outcome::Written => {
                if blamed && !self.broken_links.contains_key(&slot) {
                    self.blame.remove(&slot);
                }
            }
            Outcome::Failed | Outcome::Dropped | Outcome::Unconfirmed => blame(completion),
        }
        blamed || completion.envelope.fault.is_some()
    }
}

/// Names the fault as the cause if the server refused a message that the fault had spoilt.
fn blame(completion: &mut Completion) {
    let refused = |code: &u16| (400..500).contains(code) && !matches!(code, 408 | 429);
    let Some(fault) = &completion.envelope.fault else {
        return;
    };
    let spoilt = ["corrupt", "truncate", "oversize", "wrong-topic"];
    if completion.code.filter(refused).is_some() && spoilt.iter().any(|word| fault.contains(word)) {
        let why = completion.error.as_ref().map(Cause::to_string);
        let cause = Cause::injected_with(Rc::clone(fault), why.unwrap_or_default());
        completion.error = Some(cause);
    }
}
