//! Defines the parts of a timeline.

use std::collections::BTreeMap;

use crate::read::stats::SkippedFile;

/// Outcomes of messages, in the order of [`TimeBucket::outcomes`].
///
/// Injected messages were lost to a fault of the fleet file; no other part caused the loss.
/// Written messages were for the log alone.
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
pub const EVENT_KINDS: [&str; 13] = [
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
    "refused",
];

/// p50, p95 and p99, in microseconds.
pub type Percentiles = [u64; 3];

/// The counts of one time bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TimeBucket {
    /// Messages that were due.
    pub due: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// Outcomes of the messages that were due, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 7],
    /// Time from sending to acknowledgement, of messages that were due in this bucket.
    /// Messages with an injected fault do not count.
    pub latency: Option<Percentiles>,
    /// Time from due time to sending, of the same messages.
    pub lag: Option<Percentiles>,
    /// Events, in the order of [`EVENT_KINDS`].
    pub events: [u64; 13],
}

/// Statistics of one time over all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyStats {
    /// Number of rows that have the time.
    pub count: u64,
    /// p50, p95 and p99, in microseconds.
    pub percentiles: Percentiles,
    /// The largest value, in microseconds.
    pub max: u64,
}

/// Counts of causes, the most frequent first. The number of separate causes is limited, and
/// `others` counts the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Each cause with its count.
    pub list: Vec<(String, u64)>,
    /// The count of all other causes.
    pub others: u64,
}

/// A device with trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorstDevice {
    /// The device's id.
    pub id: String,
    /// Messages that failed.
    pub failed: u64,
    /// Messages that were never sent.
    pub dropped: u64,
    /// Messages that were sent and not acknowledged.
    pub unconfirmed: u64,
    /// Messages that were sent later than [`LATE_MICROS`] after they were due.
    pub late: u64,
    /// The largest lag of them, in microseconds.
    pub latest: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// Calls that returned an error, and crashes of the device's cell.
    pub errors: u64,
    /// Losses and closings of the device's connection.
    pub disconnected: u64,
}

/// Lag above which a message is late: 50,000 µs.
pub const LATE_MICROS: u64 = 50_000;

impl WorstDevice {
    /// Returns the number of messages that did not reach the backend.
    #[must_use]
    pub fn undelivered(&self) -> u64 {
        self.failed + self.dropped + self.unconfirmed
    }

    /// Returns the sort key of the worst devices. The device with the larger key is worse.
    pub(crate) fn rank(&self) -> (u64, u64, u64, u64) {
        (
            self.undelivered(),
            self.missed + self.errors,
            self.late,
            self.latest,
        )
    }
}

/// Maximum number of worst devices in a timeline.
pub(crate) const MAX_WORST_DEVICES: usize = 20;

/// The time series of a run.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// The run.
    pub run: String,
    /// The machine that it ran on.
    pub host: String,
    /// The earliest time of its rows, in microseconds since 1970.
    pub start: i64,
    /// The latest time of its rows, in microseconds since 1970.
    pub end: i64,
    /// Width of a bucket, in microseconds.
    pub bucket_width: i64,
    /// The buckets from `start` on.
    pub buckets: Vec<TimeBucket>,
    /// Number of rows of `sends`.
    pub rows: u64,
    /// Number of rows of `events`.
    pub events: u64,
    /// Number of Parquet files.
    pub files: u64,
    /// Size of these files.
    pub bytes: u64,
    /// Outcomes of messages, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 7],
    /// Outcomes of messages by group and channel, in the order of [`OUTCOMES`].
    pub channels: BTreeMap<(String, String), [u64; 7]>,
    /// Time from sending to acknowledgement.
    pub latency: LatencyStats,
    /// Time from due time to sending.
    pub lag: LatencyStats,
    /// Causes of undelivered messages, such as `failed: connection refused`.
    pub causes: KindCounts,
    /// Injected faults by kind, with the number of messages and events that the kind applied
    /// to in each bucket.
    pub faults: BTreeMap<String, Vec<u64>>,
    /// The devices with the most trouble, the worst first.
    pub worst: Vec<WorstDevice>,
    /// Number of devices with trouble.
    pub troubled_devices: u64,
    /// Files that could not be read. The timeline does not have their rows.
    pub skipped: Vec<SkippedFile>,
}
