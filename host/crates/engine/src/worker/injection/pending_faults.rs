//! Holds the pending work of injected faults: delayed messages and link changes.
//!
//! Each held message is already in the log, and is sent or completed like any other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::faults::group_faults::{FaultEffect, GroupFaults, MessageKey, Release};
use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::worker::injection::pending_action::PendingAction;
use crate::worker::send_path::SendPath;
use mockfleet_transport::{Cause, Completion, DeviceIndex, Envelope, Outcome, Transport};

/// The faults of one worker that are under way.
#[derive(Default)]
pub(crate) struct PendingFaults {
    /// Moments and the numbers of what is due then; those of one moment in their order.
    moments: BinaryHeap<Reverse<(Micros, u64)>>,
    due: FxHashMap<u64, PendingAction>,
    numbered: u64,
    /// How many messages of a device leave later.
    later: FxHashMap<DeviceIndex, u32>,
    /// Messages that wait for others of their device to leave.
    behind: FxHashMap<DeviceIndex, Vec<ReorderHold>>,
    /// When the last message leaves that a slow link has held up: none overtakes it.
    slow: FxHashMap<DeviceIndex, Micros>,
    /// Links that are broken, by the numbers of their faults.
    pub(crate) faults: FxHashMap<DeviceIndex, Vec<usize>>,
    /// What a device's full outbox is to be blamed on: the fault that broke its link,
    /// until a message gets through again.
    pub(crate) blame: FxHashMap<DeviceIndex, Rc<str>>,
}

struct ReorderHold {
    /// How many have to leave before it.
    left: u32,
    envelope: Envelope,
}

impl PendingFaults {
    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let Reverse((at, _)) = self.moments.peek()?;
        Some(*at)
    }

    /// Whether only time can help a device whose outbox is full: its link is broken, or
    /// messages are held.
    pub(crate) fn needs_time(&self, slot: DeviceIndex) -> bool {
        self.faults.contains_key(&slot)
            || self.later.contains_key(&slot)
            || self.behind.contains_key(&slot)
    }

    pub(crate) fn push(&mut self, at: Micros, due: PendingAction) {
        if let PendingAction::Message(envelope) = &due {
            *self.later.entry(envelope.device).or_default() += 1;
        }
        self.moments.push(Reverse((at, self.numbered)));
        self.due.insert(self.numbered, due);
        self.numbered += 1;
    }

    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, PendingAction)> {
        while let Some(Reverse((at, number))) = self.moments.peek().copied() {
            if at > now {
                return None;
            }
            self.moments.pop();
            // What is gone has left with its device.
            if let Some(due) = self.take(number) {
                return Some((at, due));
            }
        }
        None
    }

    fn take(&mut self, number: u64) -> Option<PendingAction> {
        let due = self.due.remove(&number)?;
        if let PendingAction::Message(envelope) = &due
            && let Some(count) = self.later.get_mut(&envelope.device)
        {
            *count -= 1;
            if *count == 0 {
                self.later.remove(&envelope.device);
            }
        }
        Some(due)
    }

    /// Lets a message leave as far as the faults of its group let it.
    pub(crate) fn send(
        &mut self,
        faults: &GroupFaults,
        outlet: &mut SendPath<'_>,
        mut envelope: Envelope,
    ) {
        let slot = envelope.device;
        let blame = self.blame.get(&slot).cloned();
        let blame = blame.as_deref().unwrap_or_default();
        let key = MessageKey {
            seed: outlet.group.seed(outlet.device.index),
            seq: envelope.seq,
            at: envelope.due,
            route: envelope.route,
        };
        let Some(effect) = faults.effect_on(key, &envelope.payload) else {
            if let Some(envelope) = outlet.enqueue_or_drop(envelope, blame) {
                self.dispatch(outlet.transport, envelope, Release::Now, 0);
            }
            return;
        };
        mark(
            &mut envelope,
            faults,
            outlet.group,
            outlet.device.index,
            &effect,
        );
        outlet
            .record
            .counters
            .injected
            .touch(&effect.kinds, u64::from(effect.copies));
        if effect.release == Release::Never {
            return outlet.drop_with(envelope, Cause::injected("drop"));
        }
        let copies: Vec<Envelope> = (1..=effect.copies)
            .map(|copy| copy_of(&envelope, copy, &effect.copy_label))
            .collect();
        for envelope in std::iter::once(envelope).chain(copies) {
            if let Some(envelope) = outlet.enqueue_or_drop(envelope, blame) {
                self.dispatch(outlet.transport, envelope, effect.release, effect.latency);
            }
        }
    }

    /// Hands a message to its transport, at once or later.
    fn dispatch(
        &mut self,
        transport: &mut dyn Transport,
        envelope: Envelope,
        release: Release,
        latency: Micros,
    ) {
        let slot = envelope.device;
        let at = self.on_the_link(slot, envelope.due, latency);
        match (release, at) {
            (Release::Behind(left), _) => {
                let behind = self.behind.entry(slot).or_default();
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

    /// When a message leaves a slow link, if it is held up there: `latency` later, or
    /// with the one before it.
    fn on_the_link(&mut self, slot: DeviceIndex, due: Micros, latency: Micros) -> Option<Micros> {
        if latency == 0 && self.slow.is_empty() {
            return None;
        }
        let before = self.slow.get(&slot).copied().unwrap_or_default();
        let at = due.saturating_add(latency).max(before);
        if latency == 0 && before <= due {
            self.slow.remove(&slot);
            return None;
        }
        self.slow.insert(slot, at);
        Some(at)
    }

    /// A message leaves, and with it those that waited for it.
    pub(crate) fn submit(&mut self, transport: &mut dyn Transport, envelope: Envelope) {
        let (slot, copy) = (envelope.device, envelope.copy);
        transport.submit(envelope);
        let Some(behind) = self.behind.get_mut(&slot).filter(|_| copy == 0) else {
            return;
        };
        for held in behind.iter_mut() {
            held.left -= 1;
        }
        for held in behind.extract_if(.., |held| held.left == 0) {
            transport.submit(held.envelope);
        }
        if behind.is_empty() {
            self.behind.remove(&slot);
        }
    }

    /// All that is held back of a device, in the order in which it would have left.
    pub(crate) fn release(&mut self, slot: DeviceIndex) -> Vec<Envelope> {
        let of_it = |due: &PendingAction| matches!(due, PendingAction::Message(envelope) if envelope.device == slot);
        let held = self.due.iter().filter(|(_, due)| of_it(due));
        let mut numbers: Vec<u64> = held.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut released = Vec::new();
        for number in numbers {
            if let Some(PendingAction::Message(envelope)) = self.take(number) {
                released.push(envelope);
            }
        }
        let behind = self.behind.remove(&slot).unwrap_or_default();
        released.extend(behind.into_iter().map(|held| held.envelope));
        released
    }

    /// All messages that are held back, of all devices; nothing is due any more.
    pub(crate) fn release_all(&mut self) -> Vec<Envelope> {
        let mut released = Vec::new();
        while let Some((_, due)) = self.pop(Micros::MAX) {
            if let PendingAction::Message(envelope) = due {
                released.push(envelope);
            }
        }
        let mut slots: Vec<DeviceIndex> = self.behind.keys().copied().collect();
        slots.sort_unstable();
        for slot in slots {
            released.extend(self.release(slot));
        }
        released
    }

    /// A message has come to its end: what a fault is to be blamed for is said so.
    /// Says whether times of it are the fault's, and not the backend's.
    pub(crate) fn settled(&mut self, settled: &mut Completion) -> bool {
        let slot = settled.envelope.device;
        let blamed = self.blame.contains_key(&slot);
        match settled.outcome {
            Outcome::Acked | Outcome::Sent | Outcome::Written => {
                if blamed && !self.faults.contains_key(&slot) {
                    self.blame.remove(&slot);
                }
            }
            Outcome::Failed | Outcome::Dropped | Outcome::Unconfirmed => blame(settled),
        }
        blamed || settled.envelope.fault.is_some()
    }
}

/// A server refuses what a fault has made of a message: that is no failure of the
/// server.
fn blame(settled: &mut Completion) {
    let refused = |code: &u16| (400..500).contains(code) && !matches!(code, 408 | 429);
    let Some(fault) = &settled.envelope.fault else {
        return;
    };
    let spoilt = ["corrupt", "truncate", "oversize", "wrong-topic"];
    if settled.code.filter(refused).is_some() && spoilt.iter().any(|word| fault.contains(word)) {
        let why = settled.error.as_ref().map(Cause::to_string);
        let cause = Cause::injected_with(Rc::clone(fault), why.unwrap_or_default());
        settled.error = Some(cause);
    }
}

/// Makes of a message what faults make of it.
fn mark(
    envelope: &mut Envelope,
    faults: &GroupFaults,
    group: &Group,
    index: u32,
    effect: &FaultEffect,
) {
    if let Some(payload) = &effect.payload {
        envelope.payload = Bytes::clone(payload);
    }
    if let Some(topic) = faults.topic(effect) {
        envelope.topic = Some(group.rendered(topic, index).into());
    }
    if !effect.label.is_empty() {
        envelope.fault = Some(effect.label.as_str().into());
    }
}

/// The same message once more.
fn copy_of(envelope: &Envelope, copy: u8, label: &str) -> Envelope {
    Envelope {
        copy,
        payload: envelope.payload.clone(),
        content_type: envelope.content_type.clone(),
        properties: envelope.properties.clone(),
        status: envelope.status.clone(),
        topic: envelope.topic.clone(),
        fault: Some(label.into()),
        ..*envelope
    }
}
