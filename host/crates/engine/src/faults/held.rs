//! What the faults of one worker's devices still have to do: messages that are held
//! back, and links that come back or go. Each message that is held has been written
//! down, and leaves or ends like any other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::links::Step;
use super::{Faults, Leaves, Said, Touched};
use crate::clock::Micros;
use crate::group::Group;
use crate::outlet::Outlet;
use mockfleet_transport::{Cause, Completion, DeviceIndex, Envelope, Outcome, Transport};

/// The faults of one worker that are under way.
#[derive(Default)]
pub(crate) struct Broken {
    /// Moments and the numbers of what is due then; those of one moment in their order.
    moments: BinaryHeap<Reverse<(Micros, u64)>>,
    due: FxHashMap<u64, Due>,
    numbered: u64,
    /// How many messages of a device leave later.
    later: FxHashMap<DeviceIndex, u32>,
    /// Messages that wait for others of their device to leave.
    behind: FxHashMap<DeviceIndex, Vec<Behind>>,
    /// When the last message leaves that a slow link has held up: none overtakes it.
    slow: FxHashMap<DeviceIndex, Micros>,
    /// Links that are broken, by the numbers of their faults.
    pub(super) broken: FxHashMap<DeviceIndex, Vec<usize>>,
    /// What a device's full outbox is to be blamed on: the fault that broke its link,
    /// until a message gets through again.
    pub(super) blame: FxHashMap<DeviceIndex, Rc<str>>,
}

/// What is due.
pub(super) enum Due {
    /// A message leaves.
    Message(Envelope),
    /// Something happens to a link.
    Link(Step),
}

struct Behind {
    /// How many have to leave before it.
    left: u32,
    envelope: Envelope,
}

impl Broken {
    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Micros> {
        let Reverse((at, _)) = self.moments.peek()?;
        Some(*at)
    }

    /// Whether only time can help a device whose outbox is full: its link is broken, or
    /// messages are held.
    pub(crate) fn needs_time(&self, slot: DeviceIndex) -> bool {
        self.broken.contains_key(&slot)
            || self.later.contains_key(&slot)
            || self.behind.contains_key(&slot)
    }

    pub(super) fn push(&mut self, at: Micros, due: Due) {
        if let Due::Message(envelope) = &due {
            *self.later.entry(envelope.device).or_default() += 1;
        }
        self.moments.push(Reverse((at, self.numbered)));
        self.due.insert(self.numbered, due);
        self.numbered += 1;
    }

    pub(super) fn pop(&mut self, now: Micros) -> Option<(Micros, Due)> {
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

    fn take(&mut self, number: u64) -> Option<Due> {
        let due = self.due.remove(&number)?;
        if let Due::Message(envelope) = &due
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
        faults: &Faults,
        outlet: &mut Outlet<'_>,
        mut envelope: Envelope,
    ) {
        let slot = envelope.device;
        let blame = self.blame.get(&slot).cloned();
        let blame = blame.as_deref().unwrap_or_default();
        let said = Said {
            seed: outlet.group.seed(outlet.device.index),
            seq: envelope.seq,
            at: envelope.due,
            route: envelope.route,
        };
        let Some(touched) = faults.touch(said, &envelope.payload) else {
            if let Some(envelope) = outlet.admit(envelope, blame) {
                self.leave(outlet.line, envelope, Leaves::Now, 0);
            }
            return;
        };
        mark(
            &mut envelope,
            faults,
            outlet.group,
            outlet.device.index,
            &touched,
        );
        outlet
            .record
            .counters
            .injected
            .touch(&touched.kinds, u64::from(touched.copies));
        if touched.leaves == Leaves::Never {
            return outlet.lose(envelope, Cause::injected("drop"));
        }
        let copies: Vec<Envelope> = (1..=touched.copies)
            .map(|copy| again(&envelope, copy, &touched.words_of_copies))
            .collect();
        for envelope in std::iter::once(envelope).chain(copies) {
            if let Some(envelope) = outlet.admit(envelope, blame) {
                self.leave(outlet.line, envelope, touched.leaves, touched.latency);
            }
        }
    }

    /// Hands a message to its transport, at once or later.
    fn leave(
        &mut self,
        line: &mut dyn Transport,
        envelope: Envelope,
        leaves: Leaves,
        latency: Micros,
    ) {
        let slot = envelope.device;
        let at = self.on_the_link(slot, envelope.due, latency);
        match (leaves, at) {
            (Leaves::Behind(left), _) => {
                let behind = self.behind.entry(slot).or_default();
                behind.push(Behind { left, envelope });
            }
            (Leaves::After(length), at) => {
                let at = at.unwrap_or(envelope.due).saturating_add(length);
                self.push(at, Due::Message(envelope));
            }
            (_, Some(at)) => self.push(at, Due::Message(envelope)),
            (_, None) => self.go(line, envelope),
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
    pub(super) fn go(&mut self, line: &mut dyn Transport, envelope: Envelope) {
        let (slot, copy) = (envelope.device, envelope.copy);
        line.submit(envelope);
        let Some(behind) = self.behind.get_mut(&slot).filter(|_| copy == 0) else {
            return;
        };
        for held in behind.iter_mut() {
            held.left -= 1;
        }
        for held in behind.extract_if(.., |held| held.left == 0) {
            line.submit(held.envelope);
        }
        if behind.is_empty() {
            self.behind.remove(&slot);
        }
    }

    /// All that is held back of a device, in the order in which it would have left.
    pub(crate) fn release(&mut self, slot: DeviceIndex) -> Vec<Envelope> {
        let of_it = |due: &Due| matches!(due, Due::Message(envelope) if envelope.device == slot);
        let held = self.due.iter().filter(|(_, due)| of_it(due));
        let mut numbers: Vec<u64> = held.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut released = Vec::new();
        for number in numbers {
            if let Some(Due::Message(envelope)) = self.take(number) {
                released.push(envelope);
            }
        }
        let behind = self.behind.remove(&slot).unwrap_or_default();
        released.extend(behind.into_iter().map(|held| held.envelope));
        released
    }

    /// All messages that are held back, of all devices; nothing is due any more.
    pub(super) fn release_all(&mut self) -> Vec<Envelope> {
        let mut released = Vec::new();
        while let Some((_, due)) = self.pop(Micros::MAX) {
            if let Due::Message(envelope) = due {
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
                if blamed && !self.broken.contains_key(&slot) {
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
fn mark(envelope: &mut Envelope, faults: &Faults, group: &Group, index: u32, touched: &Touched) {
    if let Some(payload) = &touched.payload {
        envelope.payload = Bytes::clone(payload);
    }
    if let Some(topic) = faults.topic(touched) {
        envelope.topic = Some(group.rendered(topic, index).into());
    }
    if !touched.words.is_empty() {
        envelope.fault = Some(touched.words.as_str().into());
    }
}

/// The same message once more.
fn again(envelope: &Envelope, copy: u8, words: &str) -> Envelope {
    Envelope {
        copy,
        payload: envelope.payload.clone(),
        content_type: envelope.content_type.clone(),
        properties: envelope.properties.clone(),
        status: envelope.status.clone(),
        topic: envelope.topic.clone(),
        fault: Some(words.into()),
        ..*envelope
    }
}
