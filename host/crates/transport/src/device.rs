//! Names devices and runs for templates.

use std::sync::Arc;

use mockfleet_config::PlaceholderValues;

/// A device, for templates and subscriptions.
#[derive(Debug, Clone)]
pub struct DeviceInfo {
    /// The device's id.
    pub device: Arc<str>,
    /// The name of its group.
    pub group: Arc<str>,
    /// Its number in the group, from zero.
    pub index: u32,
    /// Whether its behaviour receives downlink messages.
    pub listens: bool,
}

/// The names that all devices of a run share.
#[derive(Debug, Clone)]
pub struct RunNames {
    /// The fleet's name.
    pub fleet: Arc<str>,
    /// The run's id.
    pub run: Arc<str>,
}

impl RunNames {
    /// Returns the names that a template of this device can use.
    #[inline]
    pub(crate) fn names_for<'a>(
        &'a self,
        info: &'a DeviceInfo,
        connection: u32,
    ) -> PlaceholderValues<'a> {
        PlaceholderValues {
            fleet: &self.fleet,
            run: &self.run,
            group: &info.group,
            device: &info.device,
            index: info.index,
            connection,
        }
    }
}
