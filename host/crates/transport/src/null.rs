//! Completes messages without contacting the target.

use std::future::Future;
use std::pin::Pin;

use crate::cause::Cause;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::event::Completion;
use crate::inbox::EventInbox;
use crate::transport::{LinkAction, Transport};

/// The transport of one worker for a target that is not contacted.
#[derive(Debug)]
pub struct NullTransport {
    inbox: EventInbox,
}

impl NullTransport {
    /// Reports to the inbox.
    #[must_use]
    pub fn new(inbox: EventInbox) -> Self {
        Self { inbox }
    }
}

impl Transport for NullTransport {
    fn join(&mut self, _device: DeviceIndex, _info: DeviceInfo) {}

    fn wait_cause(&self, _device: DeviceIndex) -> Cause {
        Cause::backend("the log takes them next")
    }

    #[inline]
    fn submit(&mut self, envelope: Box<Envelope>) {
        self.inbox.complete(Completion {
            envelope,
            outcome: Outcome::Written,
            code: None,
            error: None,
            sent_at: None,
            acked_at: None,
        });
    }

    fn flush(&mut self) {}

    fn apply_link_action(&mut self, _device: DeviceIndex, _action: LinkAction) {}

    fn leave(&mut self, _device: DeviceIndex) {}

    fn drop_queued(&mut self, _why: &str) {}

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(std::future::ready(()))
    }
}
