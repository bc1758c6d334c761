//! `mockfleet logs stats`: what a store holds.

use serde_json::{Value, json};

use super::super::describe::refused;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_metrics::{bytes, count};
use mockfleet_sendlog::{
    RunStats, SkippedFile, SpoolFolder, SpoolState, Stats, TableTotals, TextTable,
};

/// Says what a store holds: runs, rows, files, bytes, times and outcomes.
///
/// Reads the footers of the files, and the column `outcome` where they do not say it:
/// a small part of the bytes. Files that are broken or not mockfleet's are named, and
/// not counted. What of the store's runs is in the spool is listed beside them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs stats
  mockfleet logs stats s3://bucket/prefix
  mockfleet logs stats --json | python3 -m json.tool

All times are UTC; \"from\" and \"to\" are when messages were due, and events happened.")]
pub(super) struct Arguments {
    #[command(flatten)]
    log: super::Place,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

/// Files that are named one by one; the rest is a number.
const NAMED: usize = 10;

pub(super) fn stats(arguments: &Arguments) -> Result<Ending, Failure> {
    let stats = mockfleet_sendlog::stats(arguments.log.store())
        .map_err(|error| refused("STORE", error.to_string()))?;
    let location = mockfleet_sendlog::location(arguments.log.store());
    let left = mockfleet_sendlog::spool_folders(arguments.log.store());
    if arguments.json {
        say!("{}", object(&location, &stats, &left));
    } else {
        say!("{}", text(&location, &stats, &left));
    }
    warn(&stats.skipped, "not counted");
    Ok(Ending::Done)
}

/// Names files on standard error.
pub(super) fn warn(aside: &[SkippedFile], what: &str) {
    for SkippedFile { file, why, .. } in aside.iter().take(NAMED) {
        tell!("warning: {file} is {what}: {why}");
    }
    if let Some(more @ 1..) = aside.len().checked_sub(NAMED) {
        tell!("warning: {more} more files are {what}; --json has all of them");
    }
}

/// Files for machines, all of them.
pub(super) fn named(aside: &[SkippedFile]) -> Vec<Value> {
    let named =
        |file: &SkippedFile| json!({ "file": file.file, "bytes": file.bytes, "why": file.why });
    aside.iter().map(named).collect()
}

/// How many there are of something.
pub(in crate::cli) fn plural(n: usize, one: &str) -> String {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A moment as the log has it, with its zone.
fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// A moment for a table, to the second.
fn second(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn bytes_a_row(tally: &TableTotals) -> Option<f64> {
    let row = |n: u64| u32::try_from(n).map(f64::from);
    // Tenths of bytes; in whole numbers as far as they go.
    let tenths = (tally.bytes.saturating_mul(10) + tally.rows / 2).checked_div(tally.rows)?;
    row(tenths).ok().map(|tenths| tenths / 10.0)
}

fn text(location: &str, stats: &Stats, left: &[SpoolFolder]) -> String {
    let total = stats.total();
    let files = total.sends.files + total.events.files;
    let size = total.sends.bytes + total.events.bytes;
    let mut head = format!(
        "{location}: {}, {} rows in sends, {} in events, {} in {}",
        plural(stats.runs.len(), "run"),
        count(total.sends.rows),
        count(total.events.rows),
        bytes(size),
        plural(usize::try_from(files).unwrap_or(usize::MAX), "file"),
    );
    if !stats.skipped.is_empty() {
        head += &format!(
            "; {} not counted ({})",
            plural(stats.skipped.len(), "file"),
            bytes(stats.skipped.iter().map(|file| file.bytes).sum())
        );
    }
    let mut parts = vec![head];
    if files > 0 {
        parts.push(tables(&total));
    }
    if !total.outcomes.is_empty() {
        let mut columns = TextTable::new(["outcome", "messages"]);
        for (outcome, rows) in &total.outcomes {
            columns.push_row([outcome.clone(), count(*rows)]);
        }
        parts.push(columns.render());
    }
    if !stats.runs.is_empty() {
        parts.push(runs(stats));
    }
    parts.extend(spool(left, |left| match left.state {
        SpoolState::UnderWay => "on their way",
        SpoolState::Unfinished => "`mockfleet logs recover` finishes it",
        SpoolState::Empty => "nothing is lost",
        SpoolState::Damaged => "what could be read is in the store",
    }));
    parts.join("\n\n")
}

/// What is in the spool, with a word about each.
pub(super) fn spool(left: &[SpoolFolder], about: impl Fn(&SpoolFolder) -> &str) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let head = [
        "in the spool",
        "state",
        "files",
        "bytes",
        "last written",
        "",
    ];
    let mut columns = TextTable::new(head);
    for one in left {
        columns.push_row([
            one.run.clone(),
            one.state.as_str().to_owned(),
            count(one.files),
            bytes(one.bytes),
            second(one.at.as_microsecond()),
            about(one).to_owned(),
        ]);
    }
    Some(columns.render())
}

/// The same for machines.
pub(super) fn in_spool(left: &[SpoolFolder]) -> Vec<Value> {
    let shown = |one: &SpoolFolder| {
        json!({
            "run": one.run,
            "state": one.state.as_str(),
            "files": one.files,
            "bytes": one.bytes,
            "last_written": one.at.to_string(),
            "folder": one.folder.display().to_string(),
        })
    };
    left.iter().map(shown).collect()
}

fn tables(total: &RunStats) -> String {
    let head = ["table", "rows", "files", "bytes", "bytes/row", "from", "to"];
    let mut columns = TextTable::new(head);
    for (name, tally) in [("sends", &total.sends), ("events", &total.events)] {
        let span = |end: fn((i64, i64)) -> i64| tally.span.map(|span| second(end(span)));
        columns.push_row([
            name.to_owned(),
            count(tally.rows),
            count(tally.files),
            bytes(tally.bytes),
            bytes_a_row(tally).map_or_else(String::new, |n| format!("{n:.1}")),
            span(|span| span.0).unwrap_or_default(),
            span(|span| span.1).unwrap_or_default(),
        ]);
    }
    columns.render()
}

fn runs(stats: &Stats) -> String {
    let head = [
        "run", "host", "from", "to", "sends", "events", "files", "bytes",
    ];
    let mut columns = TextTable::new(head);
    for (run, about) in &stats.runs {
        let mut all = about.sends.clone();
        all.add(&about.events);
        columns.push_row([
            run.clone(),
            about.host.clone(),
            all.span.map(|span| second(span.0)).unwrap_or_default(),
            all.span.map(|span| second(span.1)).unwrap_or_default(),
            count(about.sends.rows),
            count(about.events.rows),
            count(all.files),
            bytes(all.bytes),
        ]);
    }
    columns.render()
}

fn tally(tally: &TableTotals) -> Value {
    json!({
        "rows": tally.rows,
        "files": tally.files,
        "bytes": tally.bytes,
        "bytes_per_row": bytes_a_row(tally),
        "from": tally.span.map(|span| moment(span.0)),
        "to": tally.span.map(|span| moment(span.1)),
    })
}

fn object(location: &str, stats: &Stats, left: &[SpoolFolder]) -> Value {
    let total = stats.total();
    let runs: Vec<Value> = stats
        .runs
        .iter()
        .map(|(run, about)| {
            json!({
                "run": run,
                "host": about.host,
                "sends": tally(&about.sends),
                "events": tally(&about.events),
                "outcomes": about.outcomes,
            })
        })
        .collect();
    json!({
        "store": location,
        "sends": tally(&total.sends),
        "events": tally(&total.events),
        "outcomes": total.outcomes,
        "runs": runs,
        "not_counted": named(&stats.skipped),
        "spool": in_spool(left),
    })
}
