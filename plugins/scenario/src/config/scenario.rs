//! Defines the settings of a scenario.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::field_setting::FieldSetting;
use crate::config::lenient_value::LenientValue;
use crate::config::message::Message;
use crate::config::status::Status;
use crate::config::store_and_forward::StoreAndForward;
use crate::config::transition::{Answer, Transition};

/// The settings of a device without code.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The fields of the device: a generator for each name. Messages, conditions and other
    /// fields refer to it by its name.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldSetting>,
    /// The variables of the device: an initial value for each name. Only `set` of answers
    /// and transitions changes them.
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
    /// The kinds of messages by name.
    #[schemars(extend("minProperties" = 1))]
    pub messages: BTreeMap<String, Message>,
    /// The statuses by name, with the behaviour in each. Absent: one status, `on`.
    #[serde(default)]
    pub statuses: BTreeMap<String, Status>,
    /// The first status. Required when there are several.
    #[serde(default)]
    pub start: Option<String>,
    /// Transitions out of every status except their target.
    #[serde(default)]
    pub transitions: Vec<LenientValue<Transition>>,
    /// The answers to received messages. Each that matches is run, in this order, and then
    /// the first transition that matches.
    #[serde(default)]
    pub answers: Vec<LenientValue<Answer>>,
    /// Keeps messages while there is no connection, and sends them later. Absent: messages
    /// wait in the host's outbox, and an offline device makes none.
    #[serde(default)]
    pub store_and_forward: Option<StoreAndForward>,
}
