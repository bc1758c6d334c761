//! What a store holds, by table and run: from the footers of its files, and the one
//! column that they do not sum up.

use std::collections::BTreeMap;

use super::LogError;
use super::footer::{Footer, Outcomes};
use super::schema::Table;
use super::shelf::{Found, Shelf};
use mockfleet_config::Store;

/// Files of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// The earliest and the latest moment of the rows, in microseconds since 1970: when
    /// a message was due, or an event happened.
    pub span: Option<(i64, i64)>,
}

impl Tally {
    /// Adds the files of another.
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

/// What a run left in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunStats {
    /// The machine that it ran on.
    pub host: String,
    /// Its messages.
    pub sends: Tally,
    /// Its events.
    pub events: Tally,
    /// How many messages had each outcome.
    pub outcomes: BTreeMap<String, u64>,
}

/// A file that is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Which.
    pub file: String,
    /// Its bytes, as far as they are known.
    pub bytes: u64,
    /// Why.
    pub why: String,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// By the run's id; those sort by time.
    pub runs: BTreeMap<String, RunStats>,
    /// Files in the folders of the tables that are broken, or not mockfleet's.
    pub aside: Vec<Aside>,
}

impl Stats {
    /// All runs together; `host` is empty.
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

struct Counted {
    run: String,
    host: String,
    tally: Tally,
    outcomes: Outcomes,
}

/// Counts what a store holds.
///
/// # Errors
/// Why the store cannot be looked at. A file that cannot be read is no error.
pub fn stats(store: &Store) -> Result<Stats, LogError> {
    let shelf = Shelf::open(store)?;
    let mut files = shelf.files(Table::Sends)?;
    files.extend(shelf.files(Table::Events)?);
    let counted = shelf.each(&files, |file| count(&shelf, file));
    let mut stats = Stats::default();
    for (file, counted) in files.iter().zip(counted) {
        match counted {
            Ok(counted) => {
                let run = stats.runs.entry(counted.run).or_default();
                run.host = counted.host;
                match file.table {
                    Table::Sends => run.sends.add(&counted.tally),
                    Table::Events => run.events.add(&counted.tally),
                }
                for (outcome, rows) in counted.outcomes {
                    *run.outcomes.entry(outcome).or_default() += rows;
                }
            }
            Err(why) => stats.aside.push(Aside {
                file: shelf.shown(&file.key),
                bytes: file.size,
                why,
            }),
        }
    }
    Ok(stats)
}

fn count(shelf: &Shelf, file: &Found) -> Result<Counted, String> {
    let footer = Footer::read(shelf, file)?;
    let tally = Tally {
        files: 1,
        bytes: file.size,
        rows: footer.rows(),
        span: footer.span(file.table),
    };
    Ok(Counted {
        run: footer.run.clone(),
        host: footer.host.clone(),
        tally,
        outcomes: match file.table {
            Table::Sends => footer.outcomes()?,
            Table::Events => Outcomes::new(),
        },
    })
}
