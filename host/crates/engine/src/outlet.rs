//! Where the messages of a device leave: each is written down, finds room in its
//! device's outbox or none, and goes to the transport.

use super::crew::Device;
use super::group::Group;
use super::record::Record;
use mockfleet_transport::{
    Cause, Completion, Envelope, EventInbox, Outcome, Transport, TransportEvent,
};

/// The way out of a device.
pub(super) struct Outlet<'a> {
    pub(super) device: &'a mut Device,
    pub(super) group: &'a Group,
    pub(super) record: &'a mut Record,
    pub(super) inbox: &'a EventInbox,
    pub(super) line: &'a mut dyn Transport,
    /// Whether messages leave at all.
    pub(super) sends: bool,
}

impl Outlet<'_> {
    /// Writes a message down and lets it leave.
    pub(super) fn send(&mut self, envelope: Envelope) {
        if !self.sends {
            let (device, group) = (self.device.index, self.group);
            return self.record.written(device, group, &envelope);
        }
        if let Some(envelope) = self.admit(envelope, "") {
            self.line.submit(envelope);
        }
    }

    /// Writes a message down, and gives it back if there is room for it in the outbox;
    /// where there is none, the fault `blame` is the cause, if it is not empty.
    pub(super) fn admit(&mut self, envelope: Envelope, blame: &str) -> Option<Envelope> {
        self.note(&envelope);
        let (open, outbox) = (self.device.open, self.group.outbox);
        self.record.opened(open, outbox);
        // A clock that waits for its worker has waited for room, if not for all of a turn's
        // messages; it doesn't where a fault has broken the link.
        let waited = self.record.clock.is_reached() && blame.is_empty();
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
    pub(super) fn lose(&mut self, envelope: Envelope, why: Cause) {
        self.note(&envelope);
        self.settle(envelope, why);
    }

    fn note(&mut self, envelope: &Envelope) {
        self.device.open += 1;
        self.record.message(self.device.index, self.group, envelope);
    }

    fn settle(&mut self, envelope: Envelope, why: Cause) {
        let settled = Completion::unsent(envelope, Outcome::Dropped, why);
        self.inbox.push(TransportEvent::Completed(settled));
    }
}
