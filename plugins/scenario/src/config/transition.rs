//! Defines the settings of transitions between statuses, and of answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::duration_spec::DurationSpec;

/// How a status ends: exactly one of `cron`, `after`, `received`, `probability`,
/// `connection` and `when` says at what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Transition {
    /// The next status, or `terminate`: the device is done, for good.
    pub to: String,
    /// At these times: seconds, minutes, hours, days of the month, months, days of the
    /// week, such as `0 30 6 * * MON-FRI`.
    #[serde(default)]
    pub cron: Option<String>,
    /// The time zone of `cron`, such as `Europe/Berlin`. Absent: UTC.
    #[serde(default)]
    pub zone: Option<String>,
    /// This long after the status began.
    #[serde(default)]
    pub after: Option<DurationSpec>,
    /// When the device receives this.
    #[serde(default)]
    pub received: Option<Received>,
    /// With this probability at each tick.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// When the connection is `lost`, or `up` (again).
    #[serde(default)]
    pub connection: Option<Connection>,
    /// When this is true at a tick, such as `temperature > 30`.
    #[serde(default)]
    pub when: Option<String>,
    /// What it remembers from then on: an expression for each variable.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that it sends at once, already in the next status.
    #[serde(default)]
    pub send: Vec<String>,
}

/// A change of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// It is lost, or closed.
    Lost,
    /// It is up.
    Up,
}

/// Something that the device receives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Received {
    /// The channel that it comes on: one of the target's `downlink`, or with HTTP the
    /// channel of the message that was answered. Absent: any.
    #[serde(default)]
    pub channel: Option<String>,
    /// Where in its JSON to look, as a JSON path (RFC 9535) such as `$.mode`. Something must
    /// be there. Absent: the whole of it, and any bytes will do.
    #[serde(default)]
    pub path: Option<String>,
    /// What must be there: this very value.
    #[serde(default)]
    pub equals: Option<serde_json::Value>,
    /// What must be true: an expression in which `value` is what is there and `request` the
    /// whole, such as `value > 30`.
    #[serde(default)]
    pub condition: Option<String>,
}

/// What the device does when it receives something.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// What it answers to.
    pub received: Received,
    /// What it remembers from then on: an expression for each variable, such as
    /// `request.setpoint`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that it sends; `{{ request.id }}` in them is a part of what it received.
    #[serde(default)]
    pub send: Vec<String>,
}
