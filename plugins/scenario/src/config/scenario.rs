//! Defines the settings of a scenario.

use std::collections::BTreeMap;

use mockfleet_sdk::generate::Spec;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::lenient_value::LenientValue;
use crate::config::message::Message;
use crate::config::status::Status;
use crate::config::store_and_forward::StoreAndForward;
use crate::config::transition::{Answer, Transition};

/// A device without code.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What the device measures: a generator for each name. Messages, conditions and other
    /// fields refer to it by its name.
    #[serde(default)]
    pub fields: BTreeMap<String, LenientValue<Spec>>,
    /// What the device remembers: a first value for each name. Only `set` of answers and
    /// transitions changes it.
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
    /// What it sends, by a name for each kind of message.
    #[schemars(extend("minProperties" = 1))]
    pub messages: BTreeMap<String, Message>,
    /// What state it can be in, and how it behaves there. Absent: one status, `on`.
    #[serde(default)]
    pub statuses: BTreeMap<String, Status>,
    /// The status it begins in. Needed when there is more than one.
    #[serde(default)]
    pub start: Option<String>,
    /// Transitions out of every status but the one that they lead to.
    #[serde(default)]
    pub transitions: Vec<LenientValue<Transition>>,
    /// What it does when it receives something. Each that fits is done, in this order, and
    /// then the first transition that fits.
    #[serde(default)]
    pub answers: Vec<LenientValue<Answer>>,
    /// Keeps messages while there is no connection, and sends them late. Absent: what
    /// cannot leave waits in the host's outbox, and an offline device makes no messages.
    #[serde(default)]
    pub store_and_forward: Option<StoreAndForward>,
}
