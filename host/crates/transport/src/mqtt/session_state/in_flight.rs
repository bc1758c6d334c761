//! Holds one message that is encoded as a packet.

use mockfleet_config::Qos;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::envelope::{Envelope, Outcome};
use crate::event::{Completion, TransportEvent};
use crate::inbox::EventInbox;

/// An envelope that is encoded as a packet.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) envelope: Box<Envelope>,
    pub(crate) qos: Qos,
    /// The packet identifier; zero without one.
    pub(crate) packet_id: u16,
    /// The position in the session's stream of bytes at which the packet ends.
    pub(crate) end: u64,
    /// The time at which the kernel first took its last byte, on any connection.
    pub(crate) sent_at: Option<Instant>,
    /// QoS 2: the broker has it (PUBREC), and PUBREL follows.
    pub(crate) received: bool,
    /// Whether it was open when the broker ended a connection, so that it is sent alone.
    pub(crate) suspect: bool,
    /// QoS 0: whether it is complete only with the answer to the ping behind it.
    pub(crate) is_doubted: bool,
    /// The number of connections that ended while it was sent alone.
    pub(crate) strikes: u8,
}

impl InFlight {
    /// Completes a message of QoS 0 that is written.
    pub(crate) fn complete_sent(self, inbox: &EventInbox) {
        inbox.complete(Completion {
            envelope: self.envelope,
            outcome: Outcome::Sent,
            code: None,
            error: None,
            sent_at: self.sent_at.map(Instant::into_std),
            acked_at: None,
        });
    }

    /// Completes a message of QoS 0 that is written, and that the broker may not have read.
    pub(crate) fn complete_unproven(self, inbox: &EventInbox) {
        inbox.push(TransportEvent::Unproven(1));
        self.complete_sent(inbox);
    }

    /// Completes a message that is open when the run ends; `unsent` is the reason if it was
    /// never sent.
    pub(crate) fn complete_open(self, fault: Option<&str>, unsent: &str, inbox: &EventInbox) {
        let (outcome, why) = match self.sent_at {
            Some(_) if self.qos == Qos::AtMostOnce => return self.complete_unproven(inbox),
            Some(_) => (
                Outcome::Unconfirmed,
                "the run ended before the broker confirmed it",
            ),
            None => (Outcome::Dropped, unsent),
        };
        let sent_at = self.sent_at.map(Instant::into_std);
        inbox.complete(Completion {
            sent_at,
            ..Completion::unsent(self.envelope, outcome, Cause::with_fault(fault, why))
        });
    }
}
