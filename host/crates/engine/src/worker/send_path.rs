//! Sends messages: log, injected faults, outbox, transport.
//!
//! Each message is written to the log first. Then it enters the outbox of its device and goes to
//! the transport, or is dropped because the outbox is full. Injected faults change a message before
//! it is logged, and delay it after that.

use bytes::Bytes;
use mockfleet_metrics::{agree, noun_for};

use crate::faults::group_faults::{FaultEffect, GroupFaults, MessageKey, Release};
use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::recorder::Recorder;
use mockfleet_transport::{
    Account, Cause, Completion, Envelope, EventInbox, Outcome, TopicOverride, Transport,
    TransportEvent,
};

/// The way of a device's messages to its target.
pub(crate) struct SendPath<'a> {
    pub(crate) sender: Sender<'a>,
    pub(crate) record: &'a mut Recorder,
    pub(crate) inbox: &'a EventInbox,
    pub(crate) transport: &'a mut dyn Transport,
    /// False in a run that only writes the log.
    pub(crate) sends: bool,
    /// False if there is no memory for messages, other than those of ticks.
    pub(crate) has_room: bool,
    /// `None` in a group without faults.
    pub(crate) injection: Option<Injection<'a>>,
}

/// The device that sends.
pub(crate) struct Sender<'a> {
    /// Its number in the log.
    pub(crate) number: u32,
    /// Number of its target's first route in the log.
    pub(crate) route_base: u16,
    /// Number of its messages without an outcome.
    pub(crate) open: &'a mut u32,
    /// Limit of `open`.
    pub(crate) outbox: u32,
}

/// The faults of the device's group.
pub(crate) struct Injection<'a> {
    pub(crate) group: &'a Group,
    /// Index of the device in the group.
    pub(crate) index: u32,
    pub(crate) faults: &'a GroupFaults,
    pub(crate) pending: &'a mut PendingFaults,
}

impl SendPath<'_> {
    /// Sends a message, as the faults of its group change it.
    pub(crate) fn send(&mut self, envelope: Box<Envelope>) {
        let injection = self.injection.as_ref();
        match injection.and_then(|injection| injection.effect_on(&envelope)) {
            None => self.send_copy(envelope, Release::Now, 0),
            Some(effect) => self.send_with_effect(envelope, &effect),
        }
    }

    fn send_with_effect(&mut self, mut envelope: Box<Envelope>, effect: &FaultEffect) {
        if let Some(injection) = &self.injection {
            injection.mark(&mut envelope, effect);
        }
        let injected = &mut self.record.counters.injected;
        injected.touch(&effect.kinds, u64::from(effect.copies));
        if effect.release == Release::Never {
            self.log(&envelope);
            return self.complete_unsent(envelope, Cause::injected("drop"));
        }
        let copies: Vec<Box<Envelope>> = (1..=effect.copies)
            .map(|copy| copy_of(&envelope, copy, &effect.copy_label))
            .collect();
        for envelope in std::iter::once(envelope).chain(copies) {
            self.send_copy(envelope, effect.release, effect.latency);
        }
    }

    fn send_copy(&mut self, envelope: Box<Envelope>, release: Release, latency: Micros) {
        let Sender {
            number, route_base, ..
        } = self.sender;
        if !self.sends && self.injection.is_none() {
            return self.record.log_only(number, route_base, &envelope);
        }
        self.log(&envelope);
        if let Some(cause) = self.refuse_if_full(&envelope) {
            return self.complete_unsent(envelope, cause);
        }
        match &mut self.injection {
            None => self.transport.submit(envelope),
            Some(injection) => {
                let pending = &mut injection.pending;
                pending.dispatch(self.transport, envelope, release, latency);
            }
        }
    }

    /// Writes a message to the log; from here on it is open.
    fn log(&mut self, envelope: &Envelope) {
        let Sender {
            number,
            route_base,
            ref mut open,
            outbox,
        } = self.sender;
        **open += 1;
        self.inbox
            .budget()
            .add(Account::Outboxes, envelope.memory());
        self.record.log_message(number, route_base, envelope);
        self.record.measure_outbox(**open, outbox);
    }

    /// Returns the reason to drop a logged message, if the outbox or the memory was full.
    fn refuse_if_full(&mut self, envelope: &Envelope) -> Option<Cause> {
        let outbox = self.sender.outbox;
        let why = if *self.sender.open > outbox {
            format!(
                "the outbox was full: {outbox} {} of this device {} open",
                noun_for(outbox, "message"),
                agree(outbox, "is", "are")
            )
        } else if !self.has_room {
            "the memory for messages on their way was full (in-flight in [limits])".to_owned()
        } else {
            return None;
        };
        let injection = self.injection.as_ref();
        let blame = injection.and_then(|injection| injection.pending.blame.get(&envelope.device));
        match blame {
            Some(fault) => Some(Cause::injected_with(fault.clone(), why)),
            // A virtual clock has waited for room, but not for all messages of one call. It does
            // not wait where a fault has broken the link.
            None if self.record.clock.is_virtual() => None,
            None => {
                self.record.counters.outbox_full += u64::from(*self.sender.open > outbox);
                let wait_cause = self.transport.wait_cause(envelope.device);
                Some(wait_cause.with_effect(&format!("{why}, since ")))
            }
        }
    }

    fn complete_unsent(&mut self, envelope: Box<Envelope>, why: Cause) {
        let completion = Completion::unsent(envelope, Outcome::Dropped, why);
        self.inbox.push(TransportEvent::Completed(completion));
    }
}

impl Injection<'_> {
    /// Returns the effect of the faults on a message, if there is any.
    fn effect_on(&self, envelope: &Envelope) -> Option<FaultEffect> {
        let key = MessageKey {
            seed: self.group.seed(self.index),
            seq: envelope.seq,
            at: envelope.due,
            route: envelope.route,
        };
        self.faults.effect_on(key, &envelope.payload)
    }

    /// Changes a message.
    fn mark(&self, envelope: &mut Envelope, effect: &FaultEffect) {
        if let Some(payload) = &effect.payload {
            envelope.payload = Bytes::clone(payload);
        }
        if let Some(topic) = self.faults.topic(effect) {
            envelope.topic = Some(TopicOverride {
                sent: self.group.rendered(topic, self.index).into(),
                shown: self.group.rendered(&topic.shown(), self.index).into(),
            });
        }
        if !effect.label.is_empty() {
            envelope.fault = Some(effect.label.as_str().into());
        }
    }
}

/// Returns a copy of a message, as a fault sends it.
fn copy_of(envelope: &Envelope, copy: u8, label: &str) -> Box<Envelope> {
    Box::new(Envelope {
        copy,
        payload: envelope.payload.clone(),
        content_type: envelope.content_type.clone(),
        properties: envelope.properties.clone(),
        status: envelope.status.clone(),
        topic: envelope.topic.clone(),
        fault: Some(label.into()),
        ..*envelope
    })
}
