//! Describes the send log: store, payloads, roll and spool.

use std::path::PathBuf;
use std::time::Duration;

use crate::document::units::ByteSize;

/// The send log.
#[derive(Debug, Clone)]
pub struct Log {
    /// The store of the Parquet files; `None` writes no log.
    pub store: Option<Store>,
    /// The part of a payload that a row keeps.
    pub payload: KeepPayload,
    /// Size at which a file is finished.
    pub roll_size: ByteSize,
    /// Age at which a file is finished.
    pub roll_every: Duration,
    /// The interval at which the spool is synced to the disk, against a loss of power.
    pub sync: Duration,
    /// The maximum size of the spool.
    pub spool_limit: ByteSize,
    /// The action when the spool is full.
    pub spool_full: SpoolFull,
    /// The age after which files of a folder are deleted, counted from the end of their hour.
    pub retention: Option<Duration>,
}

/// The store of the Parquet files of a send log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A folder, created if it is missing.
    Folder(PathBuf),
    /// An S3-compatible bucket; credentials and endpoint are read from `AWS_*`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key prefix, without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// The part of a payload that a row keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeepPayload {
    /// The whole payload.
    Full,
    /// Its size only.
    None,
    /// Its first bytes; text is cut between characters.
    Cut(ByteSize),
    /// Its SHA-256, which proves a payload without storing it.
    Hash,
}

/// The action when the spool is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolFull {
    /// Devices pause until the spool has room.
    Pause,
    /// Devices continue, and rows are lost. `events` has their number.
    Drop,
}
