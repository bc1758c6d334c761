//! The send log: rows go in without waiting, Parquet files come out in a folder or a
//! bucket. Owns schema, encoding and delivery; knows nothing of plugins, networks and
//! schedules.
//!
//! ```text
//! worker ─append─▶ segment ─▶ encoder (1 thread) ─▶ .part ─▶ delivery (1 thread) ─▶ store
//! ```
//!
//! An [`Appender`] is one worker's: rows are written into a segment of memory, which
//! is handed on when it is full or a second old. The border where a crash-safe spool
//! belongs is the segment: `appender` fills it, `encoder` reads it, nobody else knows
//! it.

mod appender;
mod columns;
mod ddl;
mod delivery;
mod encoder;
mod footer;
mod name;
mod part;
mod patience;
mod progress;
mod prune;
mod query;
mod read;
mod row;
mod s3;
mod schema;
mod shelf;
mod spool;
mod stats;
mod table;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

pub use appender::Appender;
pub use ddl::{Engine, LogTable, NotOnS3, ddl};
pub use progress::Progress;
pub use prune::{OldFile, Prune, Pruned, RunSize, prune};
pub use query::{FIRST_ROWS, location, query};
pub use read::{Row, read, table};
pub use row::{EventKind, EventRow, Outcome, SendRow};
pub use stats::{Aside, RunStats, Stats, Tally, stats};
pub(crate) use table::Columns;

use crate::fleet::{Log, Template};
use appender::Segment;
use delivery::Delivery;
use encoder::Encoder;
use progress::Shared;

/// The devices of one group, as rows refer to them.
#[derive(Debug, Clone)]
pub struct GroupEntry {
    /// The group's name.
    pub name: String,
    /// `name@version` of its plugin.
    pub plugin: String,
    /// The number of its first device.
    pub first: u32,
    /// How many devices.
    pub count: u32,
    /// How their ids are made.
    pub device_id: Template,
}

/// One channel of one target, as rows refer to it.
#[derive(Debug, Clone)]
pub struct RouteEntry {
    /// The channel's name.
    pub channel: String,
    /// `mqtt` or `http`.
    pub protocol: &'static str,
    /// The target's URL.
    pub destination: String,
    /// The HTTP method, for the column `topic`.
    pub method: Option<String>,
    /// The topic or path.
    pub topic: Template,
}

/// What rows refer to by number, so that a row is small until it is encoded.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The fleet's name.
    pub fleet: String,
    /// The groups, in the order of their devices' numbers.
    pub groups: Vec<GroupEntry>,
    /// The routes, by their number.
    pub routes: Vec<RouteEntry>,
}

/// Which run on which machine; part of every row and of every file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// A ULID: sorts by time.
    pub run: String,
    /// The machine's name, without what does not belong in a file's name.
    pub host: String,
}

impl Identity {
    /// A new run on this machine.
    #[must_use]
    pub fn new() -> Self {
        let name = rustix::system::uname();
        let host: String = name
            .nodename()
            .to_string_lossy()
            .chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
                _ => '_',
            })
            .collect();
        Self {
            run: ulid::Ulid::generate().to_string(),
            host: if host.is_empty() { "host".into() } else { host },
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

/// Why the log cannot be opened, closed or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store takes no files.
    #[error("the store {store} cannot be written: {why}")]
    Store {
        /// The store.
        store: String,
        /// The cause and the way out.
        why: String,
    },
    /// Rows did not reach the store.
    #[error("{why}")]
    NotWhole {
        /// What is missing, and where the rest lies.
        why: String,
    },
    /// What was written cannot be read back.
    #[error("{file} cannot be read: {why}")]
    Read {
        /// The file.
        file: String,
        /// The cause.
        why: String,
    },
    /// The system refuses a thread.
    #[error("no thread for the send log: {0}")]
    Thread(std::io::Error),
}

/// What a closed log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Rows of the table `sends`.
    pub rows: u64,
    /// Rows of the table `events`.
    pub events: u64,
    /// Parquet files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where they are.
    pub location: String,
}

/// The log of one run.
pub struct SendLog {
    /// `None` once the log is being closed.
    segments: Option<Sender<Segment>>,
    encoder: JoinHandle<Result<(), LogError>>,
    delivery: JoinHandle<Result<(), LogError>>,
    shared: Arc<Shared>,
    location: String,
    /// Goes last, when no thread has a file in it any more.
    _spool: spool::Folder,
}

/// How long a closing log waits for a store that takes nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a closing log says how far it is.
const LOOK: Duration = Duration::from_millis(50);

impl SendLog {
    /// Opens the log of a run: makes its folders, or proves that the bucket takes a
    /// file.
    ///
    /// # Errors
    /// Why the store cannot be written.
    pub fn open(log: &Log, identity: Identity, directory: Directory) -> Result<Self, LogError> {
        let shared = Arc::new(Shared::default());
        let spool = spool::Folder::make(&log.store, &identity.run)?;
        let delivery = Delivery::open(&log.store, &shared)?;
        let (segments, rows) = channel();
        let (parts, finished) = channel();
        let delivery = spawn("log-delivery", move || delivery.run(&finished))?;
        let encoder = Encoder::new(
            log,
            identity,
            directory,
            spool.path().to_owned(),
            parts,
            Arc::clone(&shared),
        );
        let encoder = spawn("log-encoder", move || encoder.run(&rows))?;
        Ok(Self {
            segments: Some(segments),
            encoder,
            delivery,
            shared,
            location: location(&log.store),
            _spool: spool,
        })
    }

    /// A worker's end of the log.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender::new(self.segments.clone(), Arc::clone(&self.shared))
    }

    /// How far the log is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Writes what is left and closes all files, once every appender is finished;
    /// `wait` is told how far it is.
    ///
    /// # Errors
    /// What did not reach the store, and where it lies.
    pub fn close(mut self, mut wait: impl FnMut(&Progress)) -> Result<Closed, LogError> {
        self.segments = None;
        self.shared.close_within(PATIENCE);
        while !(self.encoder.is_finished() && self.delivery.is_finished()) {
            wait(&self.shared.progress());
            std::thread::sleep(LOOK);
        }
        let panicked = || {
            LogError::NotWhole {
            why: "the send log's own thread ended in a panic, and rows are missing; please report it with the lines above".into(),
        }
        };
        let encoded = self.encoder.join().unwrap_or_else(|_| Err(panicked()));
        let delivered = self.delivery.join().unwrap_or_else(|_| Err(panicked()));
        encoded.and(delivered)?;
        let progress = self.shared.progress();
        Ok(Closed {
            rows: progress.rows,
            events: progress.events,
            files: progress.files,
            bytes: progress.bytes,
            location: self.location,
        })
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, LogError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(LogError::Thread)
}

#[cfg(test)]
mod tests;
