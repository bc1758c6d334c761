//! A run's rows summed up over time, in one pass: what a page about it shows. Memory
//! follows from the number of moments that are told apart and of devices with trouble,
//! not from the number of rows.

mod gather;
mod moment;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::LogError;
use super::footer::Footer;
use super::name::Name;
use super::schema::Table;
use super::shelf::{Found, Shelf};
use super::stats::Aside;
use gather::Part;
use mockfleet_config::Store;
use moment::Frame;

/// Moments that are told apart: as many as a wide screen can show.
const MOMENTS: i64 = 600;

/// Rows that a moment has on average, at least: fewer make noise of an even rate.
const ROWS: i64 = 20;

/// Lengths of a moment that people can name.
const WIDTHS: [i64; 27] = [
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    15_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    900_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    10_800_000_000,
    21_600_000_000,
    43_200_000_000,
    86_400_000_000,
    172_800_000_000,
    604_800_000_000,
    2_592_000_000_000,
];

/// Row groups that are read in one go: enough to be worth a footer.
const GROUPS: usize = 8;

/// What became of messages, in the order of [`Slice::outcomes`]. Injected are
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

/// Kinds of events, in the order of [`Slice::events`].
pub const EVENTS: [&str; 12] = [
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
pub type Quantiles = [u64; 3];

/// What happened in one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// Messages that were due.
    pub due: u64,
    /// Messages that left.
    pub sent: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// What became of the messages that were due, in the order of [`OUTCOMES`].
    pub outcomes: [u64; 7],
    /// From sent to confirmed, of messages that were due; those that a fault touched aside.
    pub latency: Option<Quantiles>,
    /// From due to sent, of the same.
    pub lag: Option<Quantiles>,
    /// Events, in the order of [`EVENTS`].
    pub events: [u64; 12],
}

/// A time over all rows: how many had it, p50, p95, p99 and the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Rows that have it.
    pub count: u64,
    /// p50, p95, p99.
    pub quantiles: Quantiles,
    /// The largest.
    pub max: u64,
}

/// How often each of some things came, the most frequent first; what came of things
/// beyond the most that are told apart is in `others`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Each with its number.
    pub list: Vec<(String, u64)>,
    /// The rest.
    pub others: u64,
}

/// A device with trouble.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Messages that failed.
    pub failed: u64,
    /// Messages that never left.
    pub dropped: u64,
    /// Messages that nobody answered.
    pub unconfirmed: u64,
    /// Messages that left later than [`LATE`] after they were due.
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
pub const LATE: u64 = 50_000;

impl Device {
    /// Messages that did not get through.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.failed + self.dropped + self.unconfirmed
    }

    /// What makes one of two devices the worse one.
    fn rank(&self) -> (u64, u64, u64, u64) {
        (
            self.missing(),
            self.missed + self.errors,
            self.late,
            self.latest,
        )
    }
}

/// Devices that are kept of those with trouble.
const WORST: usize = 20;

/// A run over time.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The run.
    pub run: String,
    /// The machine that it ran on.
    pub host: String,
    /// The first moment of its rows, microseconds since 1970.
    pub start: i64,
    /// The last one.
    pub end: i64,
    /// How long a moment is, microseconds.
    pub width: i64,
    /// The moments from `start` on.
    pub slices: Vec<Slice>,
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
    pub latency: Times,
    /// From due to sent.
    pub lag: Times,
    /// Why messages did not get through: `failed: connection refused`.
    pub causes: Kinds,
    /// Faults that were injected, with how many messages and events of each moment each
    /// kind touched.
    pub faults: BTreeMap<String, Vec<u64>>,
    /// The devices with the most trouble, the worst first.
    pub worst: Vec<Device>,
    /// How many devices had some.
    pub troubled: u64,
    /// Files that could not be read, and are not in it.
    pub aside: Vec<Aside>,
}

/// The runs of a store that have rows in it, in the order of time.
///
/// # Errors
/// Why the store cannot be looked at.
pub fn runs(store: &Store) -> Result<Vec<String>, LogError> {
    let shelf = Shelf::open(store)?;
    let mut runs: Vec<String> = files(&shelf)?
        .into_iter()
        .map(|(_, name)| name.run)
        .collect();
    runs.sort();
    runs.dedup();
    Ok(runs)
}

fn files(shelf: &Shelf) -> Result<Vec<(Found, Name)>, LogError> {
    let mut files = shelf.files(Table::Sends)?;
    files.extend(shelf.files(Table::Events)?);
    let named = files.into_iter().filter_map(|file| {
        let name = Name::read(&file.key)?;
        Some((file, name))
    });
    Ok(named.collect())
}

/// A file whose footer has been read.
struct Opened {
    file: Found,
    rows: u64,
    groups: usize,
    span: Option<(i64, i64)>,
}

/// A part of a file that is read in one go.
struct Job<'a> {
    file: &'a Found,
    groups: std::ops::Range<usize>,
}

/// Sums up a run. Where it had a clock of its own, and was not `by_the_machine`, when
/// messages left is by another clock than when they were due: there is no lag then, and
/// nothing of what left when. `progress` is told how many rows of how many have been read, from
/// several threads.
///
/// # Errors
/// Why the store cannot be looked at. A file that cannot be read is no error.
pub fn survey(
    store: &Store,
    run: &str,
    by_the_machine: bool,
    progress: impl Fn(u64, u64) + Sync,
) -> Result<Survey, LogError> {
    let shelf = Shelf::open(store)?;
    let own = files(&shelf)?
        .into_iter()
        .filter(|(_, name)| name.run == run);
    let (own, names): (Vec<Found>, Vec<Name>) = own.unzip();
    let mut survey = Survey {
        run: run.to_owned(),
        host: names
            .first()
            .map(|name| name.host.clone())
            .unwrap_or_default(),
        ..Survey::default()
    };
    let mut opened = Vec::new();
    for (file, footer) in own.iter().zip(shelf.each(&own, |file| open(&shelf, file))) {
        match footer {
            Ok(file) => opened.push(file),
            Err(why) => survey.aside.push(aside(&shelf, file, why)),
        }
    }
    for file in &opened {
        survey.files += 1;
        survey.bytes += file.file.size;
        match file.file.table {
            Table::Sends => survey.rows += file.rows,
            Table::Events => survey.events += file.rows,
        }
    }
    let spans = opened.iter().filter_map(|file| file.span);
    let span = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (start, end) = span.unwrap_or((0, 0));
    let width = width(end - start, survey.rows);
    let frame = Frame::new(start, end, width, by_the_machine);
    (survey.start, survey.end, survey.width) = (start, end, frame.width);
    let jobs: Vec<Job<'_>> = opened.iter().flat_map(jobs).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<Mutex<Part>> = (0..cores).map(|_| Mutex::new(Part::new(frame))).collect();
    let (all, done, next) = (
        survey.rows + survey.events,
        AtomicU64::new(0),
        AtomicU64::new(0),
    );
    let read = shelf.each(&jobs, |job| {
        let turn = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(0);
        let part = parts.get(turn % parts.len().max(1)).ok_or("no part")?;
        let footer = Footer::read(&shelf, job.file)?;
        footer.read_groups(
            job.groups.clone(),
            gather::columns(job.file.table),
            |batch| {
                let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                part.add(job.file.table, batch)?;
                drop(part);
                let rows = u64::try_from(batch.num_rows()).unwrap_or(0);
                progress(done.fetch_add(rows, Ordering::Relaxed) + rows, all);
                Ok(())
            },
        )
    });
    for (job, read) in jobs.iter().zip(read) {
        if let Err(why) = read {
            survey.aside.push(aside(&shelf, job.file, why));
        }
    }
    let parts = parts
        .into_iter()
        .map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner));
    if let Some(sum) = parts.reduce(|mut sum, part| {
        sum.merge(part);
        sum
    }) {
        sum.finish(&mut survey);
    }
    Ok(survey)
}

fn open(shelf: &Shelf, file: &Found) -> Result<Opened, String> {
    let footer = Footer::read(shelf, file)?;
    Ok(Opened {
        file: file.clone(),
        rows: footer.rows(),
        groups: footer.row_groups(),
        span: footer.span(file.table),
    })
}

fn aside(shelf: &Shelf, file: &Found, why: String) -> Aside {
    Aside {
        file: shelf.shown(&file.key),
        bytes: file.size,
        why,
    }
}

fn jobs(opened: &Opened) -> impl Iterator<Item = Job<'_>> {
    let starts = (0..opened.groups).step_by(GROUPS);
    starts.map(|start| Job {
        file: &opened.file,
        groups: start..(start + GROUPS).min(opened.groups),
    })
}

/// How long a moment is: no more of them than a screen shows, and rows in each.
fn width(span: i64, rows: u64) -> i64 {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX).max(1);
    let moments = MOMENTS.min(rows / ROWS).max(12);
    let least = span / moments;
    let fits = WIDTHS.iter().find(|width| **width >= least);
    fits.copied().unwrap_or(least.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_as_many_as_a_screen_shows_and_have_rows_in_them() {
        let second = 1_000_000;
        assert_eq!(width(600 * second, 1_000_000), second);
        assert_eq!(width(601 * second, 1_000_000), 2 * second);
        // A hundred rows are no 600 moments.
        assert_eq!(width(600 * second, 100), 60 * second);
        assert_eq!(width(0, 0), 10_000);
        assert_eq!(width(365 * 86_400 * second, u64::MAX), 86_400 * second);
    }
}
