//! Defines the settings of statuses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::duration_spec::DurationSpec;
use crate::config::field_setting::FieldSetting;
use crate::config::lenient_value::LenientValue;
use crate::config::message::Override;
use crate::config::transition::Transition;

/// A state of the device.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// The interval of ticks in this status. Absent: that of the group.
    pub every: Option<DurationSpec>,
    /// The messages of each tick. Absent: those with `on-tick`.
    pub send: Option<Vec<String>>,
    /// Other generators for some fields in this status.
    pub fields: BTreeMap<String, FieldSetting>,
    /// Other payloads for some messages in this status.
    pub messages: BTreeMap<String, Override>,
    /// The connection change when the status begins.
    pub link: Link,
    /// The ways in which it ends. Of those that are due at the same time, the first one is
    /// taken.
    pub transitions: Vec<LenientValue<Transition>>,
}

/// The connection change when a status begins.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Keeps the connection.
    #[default]
    Online,
    /// Has no connection in this status: drops it without a DISCONNECT, and opens it with
    /// the next status.
    Offline,
    /// Closes the connection and opens it again at once.
    Reconnect,
    /// Drops the connection without a DISCONNECT, and opens it again after this time.
    Vanish(DurationSpec),
}
