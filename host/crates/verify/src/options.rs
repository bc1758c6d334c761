//! Describes a comparison: log, received rows, and key.

use std::time::Duration;

use mockfleet_config::Store;

use crate::key::Pair;

/// What is to be compared, and how.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Where the log is.
    pub log: Store,
    /// Which of its runs; the newest if not said.
    pub run: Option<String>,
    /// Only messages of these channels; of all if empty.
    pub channels: Vec<String>,
    /// Files of what was received, or a database.
    pub received: String,
    /// What the database is asked.
    pub query: Option<String>,
    /// What a message is known by.
    pub by: KeyChoice,
    /// The column of the received payload, where it is not guessed.
    pub payload: Option<String>,
    /// The column of the moment of arrival, where it is not guessed.
    pub received_at: Option<String>,
    /// What arrives more than this after it was sent is late.
    pub late: Duration,
}

/// What a message is known by.
#[derive(Debug, Clone)]
pub enum KeyChoice {
    /// What both inputs seem to have.
    Guess,
    /// Its payload, and its device or topic.
    Payload,
    /// These pairs.
    Pairs(Vec<Pair>),
}
