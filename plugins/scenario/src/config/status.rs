//! Defines the settings of statuses.

use std::collections::BTreeMap;

use mockfleet_sdk::generate::Spec;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::duration_spec::DurationSpec;
use crate::config::lenient_value::LenientValue;
use crate::config::message::Override;
use crate::config::transition::Transition;

/// A state that the device can be in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// From tick to tick while it lasts. Absent: as the fleet file schedules the group.
    pub every: Option<DurationSpec>,
    /// The messages that it sends at each tick. Absent: those that are `on-tick`.
    pub send: Option<Vec<String>>,
    /// Other generators for some fields while it lasts.
    pub fields: BTreeMap<String, LenientValue<Spec>>,
    /// Other payloads for some messages while it lasts.
    pub messages: BTreeMap<String, Override>,
    /// What it does with its connection.
    pub link: Link,
    /// How it ends. Of those that are due at the same time, the first one counts.
    pub transitions: Vec<LenientValue<Transition>>,
}

/// What a device does with its connection when a status begins.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Keeps it.
    #[default]
    Online,
    /// Has none as long as the status lasts: it vanishes without a goodbye, and comes back
    /// with the next status.
    Offline,
    /// Closes it and opens it again at once.
    Reconnect,
    /// Vanishes without a goodbye, and comes back after this long.
    Vanish(DurationSpec),
}
