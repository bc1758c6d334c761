//! Where messages go that are only written down: nowhere. No connection is opened, and
//! each message is at its end as soon as it is submitted.

use std::future::Future;
use std::pin::Pin;

use super::{Envelope, Inbox, LinkAction, Member, Outcome, Settled, Slot, Transport};

/// One worker's end of a target that is never contacted.
#[derive(Debug)]
pub struct Nowhere {
    inbox: Inbox,
}

impl Nowhere {
    /// Reports go there.
    #[must_use]
    pub fn new(inbox: Inbox) -> Self {
        Self { inbox }
    }
}

impl Transport for Nowhere {
    fn join(&mut self, _slot: Slot, _member: Member) {}

    fn submit(&mut self, envelope: Envelope) {
        self.inbox.settle(Settled {
            envelope,
            outcome: Outcome::Written,
            code: None,
            error: None,
            sent_at: None,
            acked_at: None,
        });
    }

    fn flush(&mut self) {}

    fn act(&mut self, _slot: Slot, _action: LinkAction) {}

    fn leave(&mut self, _slot: Slot) {}

    fn drop_waiting(&mut self, _why: &str) {}

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(std::future::ready(()))
    }
}
