//! Describes an instance that is being created again.

use mockfleet_transport::DeviceIndex;

/// An instance that is being created again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Restart {
    pub(crate) instance: u32,
    /// The device that continues next, once all are created.
    pub(crate) resumed: Option<DeviceIndex>,
}
