//! Describes a device that could not be created.

use mockfleet_plugin::{CallError, Crash};
use mockfleet_transport::DeviceIndex;

/// The error of a device that could not be created.
pub(crate) struct CreateError {
    pub(crate) group: usize,
    pub(crate) slot: DeviceIndex,
    pub(crate) device: String,
    pub(crate) error: CallError,
}

impl CreateError {
    /// Returns the crash, if the error ended the whole cell.
    pub(crate) fn fault(&self) -> Option<(DeviceIndex, &Crash)> {
        match &self.error {
            CallError::Crash(fault) => Some((self.slot, fault)),
            _ => None,
        }
    }
}
