//! Defines the settings of transitions between statuses, and of answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::duration_spec::DurationSpec;

/// The end of a status. Exactly one of `cron`, `after`, `received`, `probability`,
/// `connection` and `when` is its trigger.
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
    /// This time after the status began.
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
    /// The new values of variables: an expression for each.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that are sent at once, in the next status.
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

/// A pattern of a received message.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Received {
    /// The channel: one of the target's `downlink`, or with HTTP the channel of the message
    /// that was answered. Absent: any.
    #[serde(default)]
    pub channel: Option<String>,
    /// A path in its JSON (RFC 9535), such as `$.mode`, which must exist. Absent: the whole
    /// message, of any bytes.
    #[serde(default)]
    pub path: Option<String>,
    /// The required value at the path.
    #[serde(default)]
    pub equals: Option<serde_json::Value>,
    /// A required condition: an expression with `value`, the value at the path, and
    /// `request`, the whole message, such as `value > 30`.
    #[serde(default)]
    pub condition: Option<String>,
}

/// The answer of the device to a received message.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// The messages that it answers.
    pub received: Received,
    /// The new values of variables: an expression for each, such as `request.setpoint`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that are sent; `{{ request.id }}` in them is a part of the received
    /// message.
    #[serde(default)]
    pub send: Vec<String>,
}
