//! Lists the groups and routes that rows refer to by number.

use std::borrow::Cow;

use mockfleet_config::Template;
use serde::{Deserialize, Serialize};

/// The devices of one group, as rows refer to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupEntry {
    /// The group's name.
    pub name: String,
    /// `name@version` of its plugin.
    pub plugin: String,
    /// The number of its first device.
    pub first: u32,
    /// The number of its devices.
    pub count: u32,
    /// The ids of its devices.
    pub device_ids: DeviceIds,
}

/// The ids of a group's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum DeviceIds {
    /// Each id is rendered from a template.
    FromTemplate(Template),
    /// Each device has an id of its own: a recorded run that is replayed.
    Listed(Vec<String>),
}

/// One channel of one target, as rows refer to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteEntry {
    /// The channel's name.
    pub channel: String,
    /// `mqtt` or `http`.
    pub protocol: Cow<'static, str>,
    /// The target's URL.
    pub destination: String,
    /// The HTTP method, for the column `topic`.
    pub method: Option<String>,
    /// The topic or path.
    pub topic: Template,
}

/// The numbers of a run's groups and routes, from which rows get their texts.
///
/// A record in the spool has numbers only, and so stays small until it is encoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunCatalog {
    /// The fleet's name.
    pub fleet: String,
    /// The groups, in the order of their devices' numbers.
    pub groups: Vec<GroupEntry>,
    /// The routes, by their number.
    pub routes: Vec<RouteEntry>,
}
