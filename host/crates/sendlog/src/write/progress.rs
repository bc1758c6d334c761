//! Counts the progress of a log and keeps its warnings.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::format::schema::LogTable;
use crate::spool::manifest::FinishedFile;

/// The totals of a log: rows, files and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCounters {
    /// Encoded rows of the table `sends`.
    pub rows: u64,
    /// Encoded rows of the table `events`.
    pub events: u64,
    /// Rows of the table `sends` in the store.
    pub stored_rows: u64,
    /// Rows of the table `events` in the store.
    pub stored_events: u64,
    /// Parquet files in the store.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Rows that were dropped because the spool was over its limit.
    pub lost_rows: u64,
    /// Requests to a bucket.
    pub requests: u64,
    /// Files that were older than the retention and were deleted.
    pub pruned_files: u64,
}

/// The state of a log that is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogProgress {
    /// The totals so far.
    pub counters: LogCounters,
    /// Bytes of records that wait for the encoder.
    pub waiting_bytes: u64,
    /// Finished files that are not yet in the store.
    pub pending_files: u64,
    /// The problem that currently delays the log.
    pub warning: Option<String>,
}

/// Largest number of bytes that may wait for the encoder: half a minute of a fast fleet.
const MAX_WAITING_BYTES: u64 = 256 << 20;

/// Number of different warnings that are kept. A store whose errors differ each time must not
/// fill the memory.
const MAX_WARNINGS: usize = 100;

/// The counts of one log.
#[derive(Debug, Default)]
pub(crate) struct SharedProgress {
    rows: AtomicU64,
    events: AtomicU64,
    stored_rows: AtomicU64,
    stored_events: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    waiting: AtomicU64,
    pending: AtomicU64,
    /// The generation that workers write to.
    generation: AtomicU64,
    lost_rows: AtomicU64,
    requests: AtomicU64,
    pruned_files: AtomicU64,
    /// Bytes in the spool when it was last measured, and their limit.
    spooled: AtomicU64,
    spool_limit: AtomicU64,
    warning: Mutex<CurrentWarning>,
}

#[derive(Debug, Default)]
struct CurrentWarning {
    text: Option<String>,
    /// Each warning so far, with its number of occurrences.
    all: BTreeMap<String, u64>,
    since: Option<Instant>,
    /// Time after which a problem ends the log. Unlimited while the run goes on.
    timeout: Option<Duration>,
}

impl CurrentWarning {
    fn count(&mut self, text: &str) {
        if let Some(times) = self.all.get_mut(text) {
            *times += 1;
        } else if self.all.len() < MAX_WARNINGS {
            self.all.insert(text.to_owned(), 1);
        }
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl SharedProgress {
    pub(crate) fn progress(&self) -> LogProgress {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LogProgress {
            counters: LogCounters {
                rows: read(&self.rows),
                events: read(&self.events),
                stored_rows: read(&self.stored_rows),
                stored_events: read(&self.stored_events),
                files: read(&self.files),
                bytes: read(&self.bytes),
                lost_rows: read(&self.lost_rows),
                requests: read(&self.requests),
                pruned_files: read(&self.pruned_files),
            },
            waiting_bytes: read(&self.waiting),
            pending_files: read(&self.pending),
            warning: self.lock().text.clone(),
        }
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        self.waiting.load(Ordering::Relaxed) > MAX_WAITING_BYTES
            || (limit > 0 && self.spooled.load(Ordering::Relaxed) > limit)
    }

    /// Returns whether the spool is half full, so that its records have to be encoded.
    /// Returns the bytes that wait for the encoder.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn is_half_full(&self) -> bool {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        limit > 0 && self.spooled.load(Ordering::Relaxed) > limit / 2
    }

    /// Sets the limit of the spool, in bytes.
    pub(crate) fn limit_spool(&self, limit: u64) {
        self.spool_limit.store(limit, Ordering::Relaxed);
    }

    /// Sets the size of the spool. Returns `Some(true)` when it goes over its limit, and
    /// `Some(false)` when it is within the limit again.
    pub(crate) fn set_spooled(&self, bytes: u64) -> Option<bool> {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        let before = self.spooled.swap(bytes, Ordering::Relaxed);
        ((before > limit) != (bytes > limit)).then_some(bytes > limit)
    }

    /// Counts a lost row.
    pub(crate) fn count_lost_row(&self) {
        self.lost_rows.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds requests to a bucket.
    pub(crate) fn add_requests(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Adds files that were too old and are deleted.
    pub(crate) fn add_pruned(&self, files: u64) {
        self.pruned_files.fetch_add(files, Ordering::Relaxed);
    }

    /// Returns the generation that workers write to.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Requests workers to begin this generation.
    pub(crate) fn begin_generation(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// Adds bytes of records that wait for the encoder.
    pub(crate) fn add_queued(&self, bytes: usize) {
        self.waiting.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    /// Subtracts bytes of records that were encoded, or that wait as rows of a batch.
    pub(crate) fn remove_queued(&self, bytes: usize) {
        self.waiting.fetch_sub(wide(bytes), Ordering::Relaxed);
    }

    /// Adds encoded rows.
    pub(crate) fn add_rows(&self, rows: u64, events: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds files that wait for upload.
    pub(crate) fn add_pending(&self, files: usize) {
        self.pending.fetch_add(wide(files), Ordering::Relaxed);
    }

    /// Moves one file from the waiting ones to those in the store.
    pub(crate) fn add_uploaded(&self, file: &FinishedFile, bytes: u64) {
        let stored = match file.key.table {
            LogTable::Sends => &self.stored_rows,
            LogTable::Events => &self.stored_events,
        };
        stored.fetch_add(file.rows, Ordering::Relaxed);
        self.pending.fetch_sub(1, Ordering::Relaxed);
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Ends the log, from now on, when a problem lasts longer than this.
    pub(crate) fn close_within(&self, timeout: Duration) {
        let mut warning = self.lock();
        warning.timeout = Some(timeout);
        // The time of a problem during the run does not count after its end.
        if warning.since.is_some() {
            warning.since = Some(Instant::now());
        }
    }

    /// Reports a failure. Returns true to try again, and false to give up.
    pub(crate) fn report_failure(&self, text: String) -> bool {
        let mut warning = self.lock();
        warning.count(&text);
        warning.text = Some(text);
        let since = *warning.since.get_or_insert_with(Instant::now);
        warning
            .timeout
            .is_none_or(|timeout| since.elapsed() < timeout)
    }

    /// Sets a warning for the user that needs no retry.
    pub(crate) fn set_warning(&self, text: String) {
        self.lock().text = Some(text);
    }

    /// Counts a failure outside of the log's own work. The summary reports it, and nothing
    /// waits for it.
    pub(crate) fn count_warning(&self, text: &str) {
        self.lock().count(text);
    }

    /// Returns all warnings so far, each with its number of occurrences.
    pub(crate) fn warnings(&self) -> Vec<(String, u64)> {
        self.lock().all.clone().into_iter().collect()
    }

    /// Clears the warning after a success.
    pub(crate) fn clear_warning(&self) {
        let mut warning = self.lock();
        warning.text = None;
        warning.since = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CurrentWarning> {
        self.warning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
