//! The send log: rows go in without waiting, Parquet files come out in a folder or a
//! bucket. Owns schema, encoding and delivery; knows nothing of plugins, networks and
//! schedules.
//!
//! ```text
//! worker ─append─▶ segment ─▶ encoder ─▶ pen (a thread a file) ─▶ .part ─▶ delivery ─▶ store
//!                     └───────────── after a crash: recover ────────────┘
//! ```
//!
//! An [`Appender`] is one worker's. What it appends is in a segment of the [`spool`]
//! before anything of it is sent or counted, and outlives the process; the same bytes
//! go to the encoder through memory. A message is appended when a device returned it,
//! and once more when its outcome is known: so a crash leaves no message without a
//! row.

mod appender;
mod cell;
mod columns;
#[cfg(any(test, fuzzing))]
pub mod damage;
mod ddl;
mod delivery;
mod digest;
mod dock;
mod encoder;
mod footer;
mod forms;
mod frame;
mod left;
mod live;
mod name;
mod note;
mod part;
mod patience;
mod pen;
mod progress;
mod prune;
mod query;
mod read;
mod recover;
mod retention;
mod row;
mod rows;
mod s3;
mod schema;
mod shelf;
mod spool;
mod stats;
mod survey;
mod table;
mod taken;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

pub use appender::Appender;
pub use cell::{Cell, moment};
pub use ddl::{Engine, LogTable, NotOnS3, ddl};
pub use digest::{Digest, Digests, Lacking, digests};
pub use forms::{Forms, forms};
pub use left::{Left, LeftBehind, left_behind};
pub use note::{note, noted};
pub use progress::Progress;
pub use prune::{OldFile, Prune, Pruned, RunSize, prune};
pub use query::{FIRST_ROWS, location, query};
pub use read::{Row, read, table};
pub use recover::{Recovered, recover};
pub use row::{EventKind, EventRow, MessageRow, Outcome, OutcomeRow};
pub use rows::{LogFile, LogFiles, ParquetFile, TakeRow};
pub use stats::{Aside, RunStats, Stats, Tally, stats};
pub use survey::{
    Device, EVENTS, Kinds, LATE, OUTCOMES, Quantiles, Slice, Survey, Times, runs, survey,
};
pub use table::Columns;
pub use taken::{Taken, taken};

use serde::{Deserialize, Serialize};

use appender::Handed;
use columns::Words;
use delivery::Delivery;
use encoder::Encoder;
use live::Live;
use mockfleet_config::{Log, SpoolFull, Store, Template};
use progress::Shared;

/// An object of a bucket that need not be of a log, with the credentials of the `AWS_*`
/// environment; of at most so many bytes.
///
/// # Errors
/// What the environment lacks, or what the store said.
pub fn object(bucket: &str, key: &str, most: u64) -> Result<bytes::Bytes, String> {
    s3::Bucket::open(bucket, "")?.object(key, most)
}

/// The devices of one group, as rows refer to them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupEntry {
    /// The group's name.
    pub name: String,
    /// `name@version` of its plugin.
    pub plugin: String,
    /// The number of its first device.
    pub first: u32,
    /// How many devices.
    pub count: u32,
    /// What they are called.
    pub device_ids: DeviceIds,
}

/// The ids of a group's devices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum DeviceIds {
    /// Each is made from this.
    Made(Template),
    /// Each has its own: a recorded run, sent again.
    Given(Vec<String>),
}

/// One channel of one target, as rows refer to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteEntry {
    /// The channel's name.
    pub channel: String,
    /// `mqtt` or `http`.
    pub protocol: Cow<'static, str>,
    /// The target's URL.
    pub destination: String,
    /// The HTTP method, for the column `topic`.
    pub method: Option<String>,
    /// The topic or path.
    pub topic: Template,
}

/// What rows refer to by number, so that a row is small until it is encoded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Directory {
    /// The fleet's name.
    pub fleet: String,
    /// The groups, in the order of their devices' numbers.
    pub groups: Vec<GroupEntry>,
    /// The routes, by their number.
    pub routes: Vec<RouteEntry>,
}

/// Which run on which machine; part of every row and of every file's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What a process left behind cannot be finished.
    #[error("the spool {folder} cannot be used: {why}")]
    Spool {
        /// The run's folder.
        folder: String,
        /// The cause and the way out.
        why: String,
    },
    /// The system refuses a thread.
    #[error("no thread for the send log: {0}")]
    Thread(std::io::Error),
}

/// What a closed log holds.
#[derive(Debug)]
pub struct Closed {
    /// Rows of the table `sends`.
    pub rows: u64,
    /// Rows of the table `events`.
    pub events: u64,
    /// Parquet files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that were lost because the spool was over its limit.
    pub lost: u64,
    /// Requests to a bucket.
    pub requests: u64,
    /// Files that were older than `keep`, and are gone.
    pub pruned: u64,
    /// What held it up, and how often.
    pub troubles: Vec<(String, u64)>,
    /// What did not reach the store, and where it lies.
    pub error: Option<LogError>,
}

/// The log of one run.
pub struct SendLog {
    /// `None` once the log is being closed.
    handed: Option<Sender<Handed>>,
    sync: Sender<Arc<File>>,
    folder: Arc<Path>,
    appenders: AtomicU32,
    /// Encoder, delivery and, where old files go, whoever looks for them.
    threads: Vec<JoinHandle<Result<(), LogError>>>,
    shared: Arc<Shared>,
    policy: SpoolFull,
    /// What is too old is looked for as long as this is here.
    keeping: Option<Sender<Infallible>>,
    /// Goes last, when no thread has a file in it any more. `None` where no log is
    /// written.
    spool: Option<spool::Folder>,
}

/// How long a closing log waits for a store that takes nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a closing log says how far it is.
const LOOK: Duration = Duration::from_millis(50);

impl SendLog {
    /// Opens the log of a run: makes its folders, or proves that the bucket takes a
    /// file. Without a store, rows are let go as they come.
    ///
    /// # Errors
    /// Why the store cannot be written.
    pub fn open(log: &Log, identity: Identity, directory: Directory) -> Result<Self, LogError> {
        match &log.store {
            Some(store) => Self::open_in(store, log, identity, directory),
            None => Ok(Self {
                handed: None,
                sync: spool::announcements().0,
                folder: Path::new("").into(),
                appenders: AtomicU32::new(0),
                threads: Vec::new(),
                shared: Arc::default(),
                policy: log.spool_full,
                keeping: None,
                spool: None,
            }),
        }
    }

    fn open_in(
        store: &Store,
        log: &Log,
        identity: Identity,
        directory: Directory,
    ) -> Result<Self, LogError> {
        let shared = Arc::new(Shared::default());
        shared.limit_spool(log.spool_limit.bytes());
        let header = spool::Header::new(store, identity.clone(), directory.clone(), log.payload);
        let spool = spool::Folder::make(store, &header)?;
        let folder: Arc<Path> = spool.path().into();
        let delivery = Delivery::open(store, Arc::clone(&folder), Arc::clone(&shared))?;
        let (manifests, finished) = channel();
        let delivery = spawn("log-delivery", move || delivery.run(finished))?;
        let words = Words {
            identity,
            directory,
            payload: log.payload,
        };
        let encoder = Encoder::new(words, Arc::clone(&folder), Arc::clone(&shared));
        let live = Live::new(
            encoder,
            log.roll_size.bytes(),
            log.roll_every,
            log.spool_limit.bytes(),
            manifests,
        );
        let (handed, records) = channel();
        let encoder = spawn("log-encoder", move || live.run(&records))?;
        let (sync, segments) = spool::announcements();
        let (kept, every) = (Arc::clone(&folder), log.sync);
        // Ends by itself, with the last appender.
        spawn("log-sync", move || {
            spool::keep_safe(&kept, &segments, every)
        })?;
        let mut threads = vec![encoder, delivery];
        let keeping = match log.retention {
            Some(keep) => {
                let (keeping, over) = channel();
                let (store, shared) = (store.clone(), Arc::clone(&shared));
                threads.push(spawn("log-keep", move || {
                    retention::keep(&store, keep, &shared, &over);
                    Ok(())
                })?);
                Some(keeping)
            }
            None => None,
        };
        Ok(Self {
            handed: Some(handed),
            sync,
            folder,
            appenders: AtomicU32::new(0),
            threads,
            shared,
            policy: log.spool_full,
            keeping,
            spool: Some(spool),
        })
    }

    /// A worker's end of the log.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender::new(
            self.appenders.fetch_add(1, Ordering::Relaxed),
            Arc::clone(&self.folder),
            self.handed.clone(),
            self.sync.clone(),
            Arc::clone(&self.shared),
            self.spool.as_ref().map(|_| self.policy),
        )
    }

    /// How far the log is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Writes what is left and closes all files, once every appender is finished;
    /// `wait` is told how far it is.
    pub fn close(mut self, mut wait: impl FnMut(&Progress)) -> Closed {
        self.handed = None;
        self.keeping = None;
        self.shared.close_within(PATIENCE);
        while !self.threads.iter().all(JoinHandle::is_finished) {
            wait(&self.shared.progress());
            std::thread::sleep(LOOK);
        }
        let error = self.join().err();
        let progress = self.shared.progress();
        Closed {
            rows: progress.rows,
            events: progress.events,
            files: progress.files,
            bytes: progress.bytes,
            lost: progress.lost,
            requests: progress.requests,
            pruned: progress.pruned,
            troubles: self.shared.troubles(),
            error,
        }
    }

    fn join(&mut self) -> Result<(), LogError> {
        let panicked = || {
            LogError::NotWhole {
            why: "the send log's own thread ended in a panic; please report it with the lines above, and try `mockfleet logs recover`".into(),
        }
        };
        let ends: Vec<_> = std::mem::take(&mut self.threads)
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(panicked())))
            .collect();
        ends.into_iter().collect()
    }
}

impl Drop for SendLog {
    /// A run that never began has threads too; they are gone before their folder is.
    fn drop(&mut self) {
        self.handed = None;
        self.keeping = None;
        self.shared.close_within(Duration::ZERO);
        let _ = self.join();
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
