//! Sums rows, files and outcomes of a store by run.

use std::collections::BTreeMap;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::schema::LogTable;
use crate::read::footer::{Footer, ValueCounts};
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// Files of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableTotals {
    /// Number of files.
    pub files: u64,
    /// Size of the files.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// The earliest and the latest time of the rows, in microseconds since 1970: a message's
    /// due time, or an event's time.
    pub span: Option<(i64, i64)>,
}

impl TableTotals {
    /// Adds the files of other totals.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.rows += other.rows;
        self.span = match (self.span, other.span) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

/// Rows and files of a run in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunStats {
    /// The machine that it ran on.
    pub host: String,
    /// Totals of its messages.
    pub sends: TableTotals,
    /// Totals of its events.
    pub events: TableTotals,
    /// Number of messages by outcome.
    pub outcomes: BTreeMap<String, u64>,
}

/// A file that is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// The file.
    pub file: String,
    /// Size of the file, as far as it is known; zero otherwise.
    pub bytes: u64,
    /// The reason.
    pub why: String,
}

/// The runs of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// The runs by id. Ids sort by time.
    pub runs: BTreeMap<String, RunStats>,
    /// Files in the folders of the tables that are broken, or that mockfleet did not write.
    pub skipped: Vec<SkippedFile>,
}

impl Stats {
    /// Returns the sum of all runs; `host` is empty.
    #[must_use]
    pub fn total(&self) -> RunStats {
        let mut total = RunStats::default();
        for run in self.runs.values() {
            total.sends.add(&run.sends);
            total.events.add(&run.events);
            for (outcome, rows) in &run.outcomes {
                *total.outcomes.entry(outcome.clone()).or_default() += rows;
            }
        }
        total
    }
}

struct FileCounts {
    run: String,
    host: String,
    totals: TableTotals,
    outcomes: ValueCounts,
}

/// Counts the rows and files of a store by run.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read. A file that cannot be read is no error.
pub fn stats(store: &Store) -> Result<Stats, LogError> {
    let reader = StoreReader::open(store)?;
    let mut files = reader.files(LogTable::Sends)?;
    files.extend(reader.files(LogTable::Events)?);
    let counted = reader.map_concurrently(&files, |file| count(&reader, file));
    let mut stats = Stats::default();
    for (file, counted) in files.iter().zip(counted) {
        match counted {
            Ok(counted) => {
                let run = stats.runs.entry(counted.run).or_default();
                run.host = counted.host;
                match file.table {
                    LogTable::Sends => run.sends.add(&counted.totals),
                    LogTable::Events => run.events.add(&counted.totals),
                }
                for (outcome, rows) in counted.outcomes {
                    *run.outcomes.entry(outcome).or_default() += rows;
                }
            }
            Err(error) => stats.skipped.push(SkippedFile {
                file: reader.display_name(&file.key),
                bytes: file.size,
                why: error.to_string(),
            }),
        }
    }
    Ok(stats)
}

fn count(reader: &StoreReader, file: &ObjectMeta) -> Result<FileCounts, ReadError> {
    let footer = Footer::read(reader, file)?;
    let totals = TableTotals {
        files: 1,
        bytes: file.size,
        rows: footer.rows(),
        span: footer.span(file.table),
    };
    Ok(FileCounts {
        run: footer.run.clone(),
        host: footer.host.clone(),
        totals,
        outcomes: match file.table {
            LogTable::Sends => footer.outcomes()?,
            LogTable::Events => ValueCounts::new(),
        },
    })
}
