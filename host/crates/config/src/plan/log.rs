//! Describes the send log: store, payloads, roll and spool.

use std::path::PathBuf;
use std::time::Duration;

use crate::document::units::ByteSize;

/// The send log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Where the Parquet files go; `None` writes no log.
    pub store: Option<Store>,
    /// What is kept of a payload.
    pub payload: KeepPayload,
    /// A file is finished when it has grown to this size …
    pub roll_size: ByteSize,
    /// … or this old.
    pub roll_every: Duration,
    /// How often what is in the spool is made safe from a loss of power.
    pub sync: Duration,
    /// How much may wait in the spool …
    pub spool_limit: ByteSize,
    /// … and what happens when more would.
    pub spool_full: SpoolFull,
    /// Files of a folder whose hours are over for so long are deleted.
    pub retention: Option<Duration>,
}

/// Where the Parquet files of the send log go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A folder; created when it is missing.
    Folder(PathBuf),
    /// An S3-compatible bucket; credentials and endpoint come from `AWS_*`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key prefix, without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// What a row keeps of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeepPayload {
    /// All of it.
    Full,
    /// Its size only.
    None,
    /// Its first bytes; text is cut between characters.
    Cut(ByteSize),
    /// Its SHA-256, so that a payload can be proved without being kept.
    Hash,
}

/// What happens when the spool is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolFull {
    /// Devices are held up until there is room.
    Pause,
    /// Devices go on, and rows are lost: counted, and noted in `events`.
    Drop,
}
