//! Defines the parts of a timeline.

use std::collections::BTreeMap;

use crate::read::stats::SkippedFile;

/// What became of messages, in the order of [`TimeBucket::outcomes`]. Injected are
/// those that were lost to a fault of the fleet file, which nobody else is to blame for;
/// written those that were for the log alone.
pub const OUTCOMES: [&str; 7] = [
    "acked",
    "sent",
    "failed",
    "dropped",
    "unconfirmed",
    "injected",
    "written",
];

/// Kinds of events, in the order of [`TimeBucket::events`].
pub const EVENT_KINDS: [&str; 12] = [
    "born",
    "connected",
    "disconnected",
    "received",
    "status",
    "missed",
    "failed",
    "stopped",
    "restarted",
    "retired",
    "lost",
    "fault",
];

/// Half of all, nearly all, all but a hundredth: microseconds.
pub type Percentiles = [u64; 3];

/// What happened in one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TimeBucket {
    /// Messages that were due.
    pub due: u64,
    /// Messages that left.
    pub sent: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// What became of the messages that were due, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 7],
    /// From sent to confirmed, of messages that were due; those that a fault touched aside.
    pub latency: Option<Percentiles>,
    /// From due to sent, of the same.
    pub lag: Option<Percentiles>,
    /// Events, in the order of [`EVENT_KINDS`].
    pub events: [u64; 12],
}

/// A time over all rows: how many had it, p50, p95, p99 and the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyStats {
    /// Rows that have it.
    pub count: u64,
    /// p50, p95, p99.
    pub percentiles: Percentiles,
    /// The largest.
    pub max: u64,
}

/// How often each of some things came, the most frequent first; what came of things
/// beyond the most that are told apart is in `others`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Each with its number.
    pub list: Vec<(String, u64)>,
    /// The rest.
    pub others: u64,
}

/// A device with trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorstDevice {
    /// Its id.
    pub id: String,
    /// Messages that failed.
    pub failed: u64,
    /// Messages that never left.
    pub dropped: u64,
    /// Messages that nobody answered.
    pub unconfirmed: u64,
    /// Messages that left later than [`LATE_MICROS`] after they were due.
    pub late: u64,
    /// The latest of them, microseconds.
    pub latest: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// Calls that returned an error, and falls of its cell.
    pub errors: u64,
    /// Times that its connection was lost or closed.
    pub disconnected: u64,
}

/// Microseconds; what leaves sooner after it was due is on time.
pub const LATE_MICROS: u64 = 50_000;

impl WorstDevice {
    /// Messages that did not get through.
    #[must_use]
    pub fn undelivered(&self) -> u64 {
        self.failed + self.dropped + self.unconfirmed
    }

    /// What makes one of two devices the worse one.
    pub(crate) fn rank(&self) -> (u64, u64, u64, u64) {
        (
            self.undelivered(),
            self.missed + self.errors,
            self.late,
            self.latest,
        )
    }
}

/// Devices that are kept of those with trouble.
pub(crate) const MAX_WORST_DEVICES: usize = 20;

/// A run over time.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// The run.
    pub run: String,
    /// The machine that it ran on.
    pub host: String,
    /// The first moment of its rows, microseconds since 1970.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// How long a moment is, microseconds.
    pub bucket_width: i64,
    /// The moments from `start` on.
    pub buckets: Vec<TimeBucket>,
    /// Rows of `sends`.
    pub rows: u64,
    /// Rows of `events`.
    pub events: u64,
    /// Parquet files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What became of messages, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 7],
    /// What became of messages, by group and channel.
    pub channels: BTreeMap<(String, String), [u64; 7]>,
    /// From sent to confirmed.
    pub latency: LatencyStats,
    /// From due to sent.
    pub lag: LatencyStats,
    /// Why messages did not get through: `failed: connection refused`.
    pub causes: KindCounts,
    /// Faults that were injected, with how many messages and events of each moment each
    /// kind touched.
    pub faults: BTreeMap<String, Vec<u64>>,
    /// The devices with the most trouble, the worst first.
    pub worst: Vec<WorstDevice>,
    /// How many devices had some.
    pub troubled_devices: u64,
    /// Files that could not be read, and are not in it.
    pub skipped: Vec<SkippedFile>,
}
