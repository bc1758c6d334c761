//! `mockfleet logs stats`: shows the content of a log.

use serde_json::{Value, json};

use crate::cli::logs::text::{in_spool, named, second, spool, warn};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::print_problems;
use crate::cli::support::exit::refused;
use crate::cli::support::log_location::{require_log, require_objects};
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::num::as_u64;
use mockfleet_metrics::{bytes, count, plural};
use mockfleet_sendlog::{RunStats, SpoolFolder, SpoolState, Stats, TableTotals, TextTable};

/// Shows the content of a log: runs, rows, files, bytes, times and outcomes.
///
/// Reads the footers of the files, and the column `outcome` if they lack it: a small part of the
/// bytes. Broken and foreign files are listed, and not counted. Rows of these runs that are still
/// in the spool are listed too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs stats
  mockfleet logs stats s3://bucket/prefix
  mockfleet logs stats --json | python3 -m json.tool

All times are UTC; \"from\" and \"to\" are when messages were due, and events happened.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    log: crate::cli::logs::log_argument::LogArgument,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn stats(arguments: &Arguments) -> Result<Ending, Failure> {
    require_log("LOG", arguments.log.store())?;
    let stats = mockfleet_sendlog::stats(arguments.log.store())
        .map_err(|error| refused("LOG", error.to_string()))?;
    let location = mockfleet_sendlog::location(arguments.log.store());
    let left = mockfleet_sendlog::spool_folders(arguments.log.store());
    if arguments.json {
        out_json!("{}", object(&location, &stats, &left));
    } else {
        out!("{}", text(&location, &stats, &left));
    }
    warn(&stats.skipped, "not counted");
    if stats.runs.is_empty() && stats.skipped.is_empty() {
        // An empty log and a mistyped prefix look alike in a bucket, so this is no failure.
        if let Err(problems) = require_objects(arguments.log.store()) {
            print_problems("warning: ", &problems);
        }
    }
    Ok(Ending::Done)
}

/// Formats a time in ISO 8601.
fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| micros.to_string(), |at| at.to_string())
}

fn bytes_a_row(tally: &TableTotals) -> Option<f64> {
    let row = |n: u64| u32::try_from(n).map(f64::from);
    // Tenths of bytes, computed in whole numbers.
    let tenths = (tally.bytes.saturating_mul(10) + tally.rows / 2).checked_div(tally.rows)?;
    row(tenths).ok().map(|tenths| tenths / 10.0)
}

fn text(location: &str, stats: &Stats, left: &[SpoolFolder]) -> String {
    let total = stats.total();
    let files = total.sends.files + total.events.files;
    let size = total.sends.bytes + total.events.bytes;
    let mut head = format!(
        "{location}: {}, {} in sends, {} in events, {} in {}",
        plural(as_u64(stats.runs.len()), "run"),
        plural(total.sends.rows, "row"),
        count(total.events.rows),
        bytes(size),
        plural(files, "file"),
    );
    if !stats.skipped.is_empty() {
        head += &format!(
            "; {} not counted ({})",
            plural(as_u64(stats.skipped.len()), "file"),
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
