//! Carries what the fleet file says about the group of a device.

use mockfleet_sdk::Instant;

/// What the devices of a cell can look up while a scenario is read.
#[derive(Debug, Default)]
pub(crate) struct GroupContext {
    pub(crate) channels: Option<Vec<String>>,
    pub(crate) downlink: Option<Vec<String>>,
    pub(crate) interval: Option<std::time::Duration>,
    /// When the first device is born: a cron must fire after it.
    pub(crate) born: Instant,
}
