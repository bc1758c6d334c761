//! Describes a comparison: log, received rows, and key.

use std::time::Duration;

use mockfleet_config::Store;

use crate::key::parts::Pair;

/// The options of a comparison.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The log.
    pub log: Store,
    /// The run; `None` is the newest.
    pub run: Option<String>,
    /// Channels of the compared messages. If empty, all channels are compared.
    pub channels: Vec<String>,
    /// The received rows: files, or a database.
    pub received: String,
    /// The query for the database.
    pub query: Option<String>,
    /// The key of a message.
    pub by: KeyChoice,
    /// Column of the received payload; `None` is guessed.
    pub payload: Option<String>,
    /// Column of the time of arrival; `None` is guessed.
    pub received_at: Option<String>,
    /// The limit of latency: a message that arrives later is late.
    pub late: Duration,
}

/// The choice of the key.
#[derive(Debug, Clone)]
pub enum KeyChoice {
    /// A guess from both sides.
    Guess,
    /// The payload, and its device or topic.
    Payload,
    /// These pairs.
    Pairs(Vec<Pair>),
}
