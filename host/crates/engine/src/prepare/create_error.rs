//! Describes a device that could not be created.

use mockfleet_plugin::{CallError, Crash};
use mockfleet_transport::DeviceIndex;

/// A device that could not be made.
pub(crate) struct CreateError {
    pub(crate) group: usize,
    pub(crate) slot: DeviceIndex,
    pub(crate) device: String,
    pub(crate) error: CallError,
}

impl CreateError {
    /// The fault, if it took the whole cell.
    pub(crate) fn fault(&self) -> Option<(DeviceIndex, &Crash)> {
        match &self.error {
            CallError::Crash(fault) => Some((self.slot, fault)),
            _ => None,
        }
    }
}
