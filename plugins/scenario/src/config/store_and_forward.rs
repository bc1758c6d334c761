//! Defines the settings of messages that wait for a connection.

use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps messages while there is no connection: they are made at their time, and sent
/// when it is up again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreAndForward {
    /// The largest number of messages that are kept.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub capacity: usize,
    /// The message that is dropped when there is no more room.
    #[serde(default)]
    pub full: OverflowPolicy,
    /// The number of messages in a batch when the connection is up again.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 100))]
    pub batch: usize,
    /// The time between two batches.
    #[serde(default = "second")]
    pub pause: mockfleet_sdk::generate::Span,
}

/// The message that is dropped when the store is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowPolicy {
    /// The oldest message that is kept.
    #[default]
    DropOldest,
    /// The new one.
    DropNewest,
}

const fn thousand() -> usize {
    1_000
}

const fn fifty() -> usize {
    50
}

const fn second() -> mockfleet_sdk::generate::Span {
    mockfleet_sdk::generate::Span::from_micros(1_000_000)
}
