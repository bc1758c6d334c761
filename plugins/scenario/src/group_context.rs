//! Carries the settings of a device's group.

use mockfleet_sdk::Instant;

/// The settings of the group, for the compilation of a scenario.
#[derive(Debug, Default)]
pub(crate) struct GroupContext {
    pub(crate) channels: Option<Vec<String>>,
    pub(crate) downlink: Option<Vec<String>>,
    pub(crate) interval: Option<std::time::Duration>,
    /// The time at which the first device is switched on. A cron must fire after it.
    pub(crate) born: Instant,
}
