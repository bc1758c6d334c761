//! Sends the messages of a device.
//!
//! Each message is written to the log first. Then it enters the outbox of the device, or is dropped
//! when the outbox is full, and goes to the transport.

use crate::group::device_group::Group;
use crate::worker::device_table::Device;
use crate::worker::recorder::Recorder;
use mockfleet_transport::{
    Cause, Completion, Envelope, EventInbox, Outcome, Transport, TransportEvent,
};

/// The way out of a device.
pub(crate) struct SendPath<'a> {
    pub(crate) device: &'a mut Device,
    pub(crate) group: &'a Group,
    pub(crate) record: &'a mut Recorder,
    pub(crate) inbox: &'a EventInbox,
    pub(crate) transport: &'a mut dyn Transport,
    /// Whether messages leave at all.
    pub(crate) sends: bool,
}

impl SendPath<'_> {
    /// Writes a message down and lets it leave.
    pub(crate) fn send(&mut self, envelope: Envelope) {
        if !self.sends {
            let (device, group) = (self.device.index, self.group);
            return self.record.written(device, group, &envelope);
        }
        if let Some(envelope) = self.enqueue_or_drop(envelope, "") {
            self.transport.submit(envelope);
        }
    }

    /// Writes a message down, and gives it back if there is room for it in the outbox;
    /// where there is none, the fault `blame` is the cause, unless it is empty.
    pub(crate) fn enqueue_or_drop(&mut self, envelope: Envelope, blame: &str) -> Option<Envelope> {
        self.record(&envelope);
        let (open, outbox) = (self.device.open, self.group.outbox);
        self.record.opened(open, outbox);
        // A clock that waits for its worker has waited for room, if not for all of a turn's
        // messages; it doesn't where a fault has broken the link.
        let waited = self.record.clock.is_virtual() && blame.is_empty();
        if open <= outbox || waited {
            return Some(envelope);
        }
        if blame.is_empty() {
            self.record.counters.outbox_full += 1;
        }
        let why = format!("the outbox was full: {outbox} messages of this device are open");
        let cause = match blame {
            "" => Cause::backend(why),
            fault => Cause::injected_with(fault, why),
        };
        self.settle(envelope, cause);
        None
    }

    /// Writes a message down that never leaves.
    pub(crate) fn drop_with(&mut self, envelope: Envelope, why: Cause) {
        self.record(&envelope);
        self.settle(envelope, why);
    }

    fn record(&mut self, envelope: &Envelope) {
        self.device.open += 1;
        self.record.message(self.device.index, self.group, envelope);
    }

    fn settle(&mut self, envelope: Envelope, why: Cause) {
        let settled = Completion::unsent(envelope, Outcome::Dropped, why);
        self.inbox.push(TransportEvent::Completed(settled));
    }
}
