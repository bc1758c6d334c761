//! Writes and reads the send log of a run as Parquet.
//!
//! For others: other programs may write and read logs with this crate.
//!
//! ```text
//! worker ─append─▶ segment ─▶ encoder ─▶ writer thread ─▶ .part ─▶ uploader ─▶ store
//!                     └───────── after a crash: recovery ─────────────┘
//! ```
//!
//! An [`Appender`] belongs to one worker. Its records are in a segment of the spool before the
//! messages leave, and so outlive the process. The encoder receives the same bytes through
//! memory. A message is appended twice: when a device returns it, and when its outcome is
//! known. A crash therefore leaves no message without a row.
//!
//! | folder | contents |
//! |---|---|
//! | `error` | reasons why a store, a spool, a file or a log cannot be used |
//! | `format` | records, frames, tables, names |
//! | `store` | files of a folder or a bucket |
//! | `spool` | segments and manifests on the local disk |
//! | `write` | appender, encoder, uploader, recovery |
//! | `read` | rows, footers, counts, timelines |
//! | `maintenance` | prune and retention |
//!
//! The examples `write_log` and `read_log` write a log to a temporary folder and read it back.
//!
//! ```
//! use mockfleet_config::Store;
//! use mockfleet_sendlog::{LogFiles, location};
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::Folder(folder.path().to_owned());
//! assert_eq!(location(&store), folder.path().display().to_string());
//! assert!(LogFiles::find(&store)?.runs().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(test, fuzzing, feature = "corruption-model"))]
pub mod corruption_model;
mod error;
mod format;
mod log;
mod maintenance;
mod read;
mod spool;
mod store;
#[cfg(test)]
mod tests;
mod write;

pub use error::log_error::LogError;
pub use error::read_error::ReadError;
pub use error::spool_error::SpoolError;
pub use error::store_error::StoreError;
pub use format::ddl::{NotOnS3, SqlEngine, ddl};
pub use format::identity::Identity;
pub use format::location::location;
pub use format::record::{EventKind, EventRow, MessageRow, Outcome, OutcomeRow};
pub use format::run_catalog::{DeviceIds, GroupEntry, RouteEntry, RunCatalog};
pub use format::schema::LogTable;
pub use log::{LogSummary, SendLog};
pub use maintenance::prune::{OldFile, PrunePlan, Pruned, RunSize, plan_prune};
pub use read::digest::{Digest, Digests, MissingPayloads, digests};
pub use read::log_files::{LogFile, LogFiles, holds_log};
pub use read::outcome_counts::{
    FIRST_QUERY_ROWS, OutcomeCounts, first_query, outcome_counts, outcome_table,
};
pub use read::overlap::{OverlappingRuns, overlapping_runs};
pub use read::parquet_rows::{ParquetFile, RowVisitor};
pub use read::row_sizes::{EncodedSizes, encoded_sizes};
pub use read::stats::{RunStats, SkippedFile, Stats, TableTotals, stats};
pub use read::text_table::TextTable;
pub use read::timeline::model::{
    EVENT_KINDS, KindCounts, LATE_MICROS, LatencyStats, OUTCOMES, Percentiles, TimeBucket,
    Timeline, WorstDevice,
};
pub use read::timeline::scan::{runs, timeline};
pub use read::value::{TableValue, parse_timestamp};
pub use spool::spool_status::{SpoolFolder, SpoolState, spool_folders, spooled_buckets};
pub use store::run_metadata::{read_run_metadata, write_run_metadata};
pub use store::s3::fetch_object;
pub use write::appender::Appender;
pub use write::progress::{LogCounters, LogProgress};
pub use write::recovery::{Recovered, recover};
