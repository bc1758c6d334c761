//! Names the actions that injected faults still have to perform.

use crate::faults::windows::Window;
use mockfleet_transport::{DeviceIndex, Envelope};

/// What is due.
pub(crate) enum PendingAction {
    /// A message leaves.
    Message(Envelope),
    /// Something happens to a link.
    Link(LinkStep),
}

/// What happens to a link at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LinkStep {
    /// Fault number `fault` begins; it lasts for this time.
    Begin {
        slot: DeviceIndex,
        fault: usize,
        span: Window,
    },
    /// It is over.
    End { slot: DeviceIndex, fault: usize },
    /// A flapping link is lost once more, and then so many times more.
    Down {
        slot: DeviceIndex,
        fault: usize,
        more: u32,
    },
    /// It is back until then.
    Up {
        slot: DeviceIndex,
        fault: usize,
        more: u32,
    },
}
