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
//! Appending the rows of one message, and reading them back:
//!
//! ```
//! use std::ops::ControlFlow;
//! use std::time::Duration;
//!
//! use mockfleet_config::{ByteSize, KeepPayload, Log, Placeholder, SpoolFull, Store, Template};
//! use mockfleet_sendlog::{
//!     DeviceIds, GroupEntry, Identity, LogFiles, MessageRow, Outcome, OutcomeRow, RouteEntry,
//!     RunCatalog, SendLog,
//! };
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::Folder(folder.path().to_owned());
//! let options = Log {
//!     store: Some(store.clone()),
//!     payload: KeepPayload::Full,
//!     roll_size: ByteSize::new(128 << 20),
//!     roll_every: Duration::from_secs(60),
//!     sync: Duration::from_secs(1),
//!     spool_limit: ByteSize::new(1 << 30),
//!     spool_full: SpoolFull::Pause,
//!     retention: None,
//! };
//! // Rows refer to devices, groups and routes by their numbers in the catalog.
//! let catalog = RunCatalog {
//!     fleet: "example".into(),
//!     groups: vec![GroupEntry {
//!         name: "meters".into(),
//!         plugin: "meter@0.1.0".into(),
//!         first: 0,
//!         count: 1,
//!         device_ids: DeviceIds::Listed(vec!["meter-0".into()]),
//!     }],
//!     routes: vec![RouteEntry {
//!         channel: "telemetry".into(),
//!         protocol: "mqtt".into(),
//!         destination: "mqtt://127.0.0.1:1883".into(),
//!         method: None,
//!         topic: Template::parse("site/{device}", &[Placeholder::Device])?,
//!     }],
//! };
//! let run = Identity::new();
//! let log = SendLog::open(&options, run.clone(), catalog)?;
//!
//! let mut appender = log.appender();
//! let due = 1_795_503_600_000_000; // 2026-11-24T07:00:00Z, in microseconds since 1970
//! appender.append_message(&MessageRow {
//!     device: 0,
//!     seq: 0,
//!     copy: 0,
//!     route: 0,
//!     topic: None,
//!     fault: None,
//!     status: Some("ok"),
//!     scheduled_at: due,
//!     payload: br#"{"celsius":21.5}"#,
//! });
//! appender.append_outcome(&OutcomeRow {
//!     device: 0,
//!     seq: 0,
//!     copy: 0,
//!     attempt: 1,
//!     outcome: Outcome::Acked,
//!     code: None,
//!     error: None,
//!     sent_at: Some(due + 10),
//!     acked_at: Some(due + 1_510),
//! });
//! appender.finish();
//! assert!(log.close(|_| {}).error.is_none());
//!
//! let mut rows = Vec::new();
//! for file in LogFiles::find(&store)?.of_run(&run.run) {
//!     let columns = ["device_id", "outcome", "payload"];
//!     file.open()?.read(&columns, &mut |_, values| {
//!         let texts: Vec<_> = values.iter().filter_map(|value| value.text()).collect();
//!         rows.push(texts.join(" "));
//!         ControlFlow::Continue(())
//!     })?;
//! }
//! assert_eq!(rows, [r#"meter-0 acked {"celsius":21.5}"#]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The examples `write_log` and `read_log` do the same with several devices.

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
pub use mockfleet_datafile::TimeUnit;
pub use read::digest::{Digest, Digests, MissingPayloads, digests};
pub use read::log_files::{LogFile, LogFiles, holds_log};
pub use read::outcome_counts::{
    FIRST_QUERY_ROWS, OutcomeCounts, first_query, outcome_counts, outcome_table,
};
pub use read::overlap::{OverlappingRuns, overlapping_runs};
pub use read::parquet_rows::{FloatColumn, ParquetFile, RowVisitor};
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
pub use write::recovery::{Recovered, Recovery, recover};
