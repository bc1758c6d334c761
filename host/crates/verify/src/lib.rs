//! A send log against what a backend has received: which messages are missing, doubled,
//! late, altered or out of order, less what outcomes and injected faults explain.
//!
//! ```text
//! log ──row─▶ key ─▶ buckets ─┐                       ┌─▶ found, by cause and device
//!                             ├─▶ join, bucket by bucket
//! received ─▶ key ─▶ buckets ─┘                       └─▶ arrivals ─▶ order, by device
//! ```
//!
//! Both sides are dealt into buckets by the hash of their key, which go to temporary
//! files when they are large: one bucket of each is in memory at a time. Knows nothing of
//! terminals, networks and plugins.

mod bound;
mod buckets;
mod content;
mod explain;
mod findings;
mod join;
mod key;
mod order;
mod ours;
mod settle;
mod theirs;

use std::time::Duration;

use mockfleet_config::{Problem, Problems, Store};
use mockfleet_sendlog::{LogFiles, SpoolState};
use mockfleet_tables::Table;

pub use bound::Bound;
pub use explain::Cause;
pub use findings::{Counts, DeviceCounts, Example, Findings};
pub use key::Pair;

/// What is to be compared, and how.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Where the log is.
    pub log: Store,
    /// Which of its runs; the newest if not said.
    pub run: Option<String>,
    /// Only messages of these channels; of all if empty.
    pub channels: Vec<String>,
    /// Files of what was received, or a database.
    pub received: String,
    /// What the database is asked.
    pub query: Option<String>,
    /// What a message is known by.
    pub by: By,
    /// The column of the received payload, where it is not guessed.
    pub payload: Option<String>,
    /// The column of the moment of arrival, where it is not guessed.
    pub received_at: Option<String>,
    /// What arrives more than this after it was sent is late.
    pub late: Duration,
}

/// What a message is known by.
#[derive(Debug, Clone)]
pub enum By {
    /// What both sides seem to have.
    Guess,
    /// Its payload, and its device or topic.
    Payload,
    /// These pairs.
    Pairs(Vec<Pair>),
}

/// How far the work is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What is being done.
    pub doing: &'static str,
    /// Rows, or buckets, that are done.
    pub done: u64,
    /// Of how many, if that is known.
    pub of: Option<u64>,
}

/// Told now and then how far the work is.
pub type Tell<'a> = dyn FnMut(Progress) + 'a;

/// Where what is wrong with something given stands on the command line.
fn problem(place: &str, text: impl Into<String>) -> Problem {
    Problem {
        place: place.to_owned(),
        text: text.into(),
    }
}

fn only(problem: Problem) -> Problems {
    let mut problems = Problems::default();
    problems.push(problem);
    problems
}

/// Compares.
///
/// # Errors
/// All that is wrong with what was given.
pub fn verify(ask: &Ask, tell: &mut Tell<'_>) -> Result<Findings, Problems> {
    let mut problems = Problems::default();
    let mut keep = |found: Problems| found.into_iter().for_each(|one| problems.push(one));
    let log = open_log(ask).map_err(&mut keep).ok();
    let received = Table::open(&ask.received, ask.query.as_deref(), "--received")
        .map_err(&mut keep)
        .ok();
    let (Some(log), Some(received)) = (log, received) else {
        return Err(problems);
    };
    let settled = settle::settle(ask, &log.table, &received)?;
    let mut notes = log.notes;
    notes.extend(settled.notes.iter().cloned());
    let ours = ours::read(&log.table, ask, &settled, tell)?;
    let theirs = theirs::read(&received, &settled, &ours, tell)?;
    let mut findings = Findings::new(log.run, received.shown().to_owned(), &settled);
    findings.notes = notes;
    join::join(ours, theirs, ask, &settled, &mut findings, tell)?;
    Ok(findings)
}

struct Log {
    run: String,
    table: Table,
    notes: Vec<String>,
}

/// Finds the run that is meant.
fn open_log(ask: &Ask) -> Result<Log, Problems> {
    let wrong = |text: String| only(problem("LOG", text));
    let location = mockfleet_sendlog::location(&ask.log);
    let files = LogFiles::find(&ask.log).map_err(|error| wrong(error.to_string()))?;
    let runs = files.runs();
    let Some(newest) = runs.last() else {
        return Err(wrong(format!(
            "{location} holds no rows of mockfleet; give the folder or the bucket that [log] of the fleet file names in `store`"
        )));
    };
    let mut notes = Vec::new();
    let run = match &ask.run {
        Some(run) if runs.contains(&run.as_str()) => run.clone(),
        Some(run) => {
            return Err(only(problem(
                "--run",
                format!(
                    "{location} has no run {run}; it has {}",
                    some(
                        &runs
                            .iter()
                            .rev()
                            .map(|run| (*run).to_owned())
                            .collect::<Vec<_>>()
                    )
                ),
            )));
        }
        None => {
            if runs.len() > 1 {
                notes.push(format!(
                    "{location} holds {} runs, and the newest is taken: --run {newest}",
                    runs.len()
                ));
            }
            (*newest).to_owned()
        }
    };
    for left in mockfleet_sendlog::spool_folders(&ask.log) {
        if left.run == run && matches!(left.state, SpoolState::UnderWay | SpoolState::Unfinished) {
            notes.push(match left.state {
                SpoolState::UnderWay => format!("run {run} goes on, and its last rows are not in the log yet"),
                _ => format!("rows of run {run} are still in the spool; `mockfleet logs recover {location}` brings them to the log"),
            });
        }
    }
    let table = Table::of_log(&location, files.of_run(&run))?;
    Ok(Log { run, table, notes })
}

/// A few of many, for messages.
fn some(names: &[String]) -> String {
    const FEW: usize = 12;
    let shown: Vec<&str> = names.iter().take(FEW).map(String::as_str).collect();
    match names.len().checked_sub(FEW) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
