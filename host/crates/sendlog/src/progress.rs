//! How far the log is: written by its threads, read by whoever shows it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far the log is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows of `sends` that are encoded.
    pub rows: u64,
    /// Rows of `events` that are encoded.
    pub events: u64,
    /// Files that are in the store.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of rows that wait for the encoder.
    pub waiting: u64,
    /// Finished files that are not yet in the store.
    pub pending_files: u64,
    /// Rows that were lost because the spool was over its limit.
    pub lost: u64,
    /// Requests to a bucket.
    pub requests: u64,
    /// Files that were older than `keep`, and are gone.
    pub pruned: u64,
    /// What holds it up.
    pub trouble: Option<String>,
}

/// So much may wait for the encoder: half a minute of a fast fleet.
const MOST: u64 = 256 << 20;

/// Different troubles that are kept; a store that says something new each time must
/// not fill the memory.
const KINDS: usize = 100;

/// The counts of one log.
#[derive(Debug, Default)]
pub(super) struct Shared {
    rows: AtomicU64,
    events: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
    waiting: AtomicU64,
    pending: AtomicU64,
    /// The generation that workers are to write.
    generation: AtomicU64,
    lost: AtomicU64,
    requests: AtomicU64,
    pruned: AtomicU64,
    /// Bytes in the spool, as last looked at, and how many there may be.
    spooled: AtomicU64,
    spool_limit: AtomicU64,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    text: Option<String>,
    /// Each that there was, and how often.
    all: BTreeMap<String, u64>,
    since: Option<Instant>,
    /// How long trouble may last; without end while the run goes on.
    patience: Option<Duration>,
}

impl Trouble {
    fn count(&mut self, text: &str) {
        if let Some(times) = self.all.get_mut(text) {
            *times += 1;
        } else if self.all.len() < KINDS {
            self.all.insert(text.to_owned(), 1);
        }
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

impl Shared {
    pub(super) fn progress(&self) -> Progress {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Progress {
            rows: read(&self.rows),
            events: read(&self.events),
            files: read(&self.files),
            bytes: read(&self.bytes),
            waiting: read(&self.waiting),
            pending_files: read(&self.pending),
            lost: read(&self.lost),
            requests: read(&self.requests),
            pruned: read(&self.pruned),
            trouble: self.lock().text.clone(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        self.waiting.load(Ordering::Relaxed) > MOST
            || (limit > 0 && self.spooled.load(Ordering::Relaxed) > limit)
    }

    /// Whether the spool is half full: time to turn it into files.
    pub(super) fn is_half_full(&self) -> bool {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        limit > 0 && self.spooled.load(Ordering::Relaxed) > limit / 2
    }

    /// How much may be in the spool.
    pub(super) fn limit_spool(&self, limit: u64) {
        self.spool_limit.store(limit, Ordering::Relaxed);
    }

    /// How much is in the spool. Says when it goes over its limit, or below it again.
    pub(super) fn spooled(&self, bytes: u64) -> Option<bool> {
        let limit = self.spool_limit.load(Ordering::Relaxed);
        let before = self.spooled.swap(bytes, Ordering::Relaxed);
        ((before > limit) != (bytes > limit)).then_some(bytes > limit)
    }

    /// A row is lost.
    pub(super) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests were made to a bucket.
    pub(super) fn requested(&self, requests: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
    }

    /// Files were too old, and are gone.
    pub(super) fn pruned(&self, files: u64) {
        self.pruned.fetch_add(files, Ordering::Relaxed);
    }

    /// The generation that workers are to write.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Asks workers to begin the next one.
    pub(super) fn begin_generation(&self, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
    }

    /// A segment was handed over.
    pub(super) fn waits(&self, bytes: usize) {
        self.waiting.fetch_add(wide(bytes), Ordering::Relaxed);
    }

    /// Records were encoded, or wait as rows to be.
    pub(super) fn taken(&self, bytes: usize) {
        self.waiting.fetch_sub(wide(bytes), Ordering::Relaxed);
    }

    /// Rows are in a file.
    pub(super) fn encoded(&self, rows: u64, events: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Files are on their way.
    pub(super) fn pending(&self, files: usize) {
        self.pending.fetch_add(wide(files), Ordering::Relaxed);
    }

    /// A file is in the store.
    pub(super) fn delivered(&self, bytes: u64) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// From now on, trouble that lasts longer than this ends the log.
    pub(super) fn close_within(&self, patience: Duration) {
        let mut trouble = self.lock();
        trouble.patience = Some(patience);
        // Trouble of the run does not count against its end.
        if trouble.since.is_some() {
            trouble.since = Some(Instant::now());
        }
    }

    /// Something fails. True: try again; false: give up.
    pub(super) fn trouble(&self, text: String) -> bool {
        let mut trouble = self.lock();
        trouble.count(&text);
        trouble.text = Some(text);
        let since = *trouble.since.get_or_insert_with(Instant::now);
        trouble
            .patience
            .is_none_or(|patience| since.elapsed() < patience)
    }

    /// Something the user should know, and nothing to try again.
    pub(super) fn note(&self, text: String) {
        self.lock().text = Some(text);
    }

    /// Something beside the log's own work failed: said in the summary, and nothing waits
    /// for it.
    pub(super) fn aside(&self, text: &str) {
        self.lock().count(text);
    }

    /// All troubles that there were, and how often.
    pub(super) fn troubles(&self) -> Vec<(String, u64)> {
        self.lock().all.clone().into_iter().collect()
    }

    /// It works again.
    pub(super) fn well(&self) {
        let mut trouble = self.lock();
        trouble.text = None;
        trouble.since = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
