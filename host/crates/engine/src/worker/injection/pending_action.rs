//! Names the actions that injected faults still have to perform.

use crate::faults::windows::Window;
use mockfleet_transport::{DeviceIndex, Envelope};

/// An action of a fault.
pub(crate) enum PendingAction {
    /// Sends a delayed message.
    Message(Box<Envelope>),
    /// Changes a link.
    Link(LinkStep),
}

/// A change of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LinkStep {
    /// Fault number `fault` begins; it lasts for this time.
    Begin {
        slot: DeviceIndex,
        fault: usize,
        span: Window,
    },
    /// Fault number `fault` ends.
    End { slot: DeviceIndex, fault: usize },
    /// A flapping link is lost, and then `more` times more.
    Down {
        slot: DeviceIndex,
        fault: usize,
        more: u32,
    },
    /// A flapping link is restored, and then lost `more` times more.
    Up {
        slot: DeviceIndex,
        fault: usize,
        more: u32,
    },
}
