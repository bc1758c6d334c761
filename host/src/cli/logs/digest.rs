//! `mockfleet logs digest`: hashes the messages of a run.

use serde_json::{Value, json};

use crate::cli::logs::text::{named, warn};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::log_location::require_log;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out_json;
use crate::cli::ui::out::out_line;
use mockfleet_metrics::{noun_for, plural};
use mockfleet_sendlog::{Digest, Digests, SpoolState};

/// Prints one hash of all messages of a run: of device, number, due time, channel,
/// payload and fault of each row of `sends`, whatever the order of the rows.
///
/// Two runs of one fleet with one seed and a clock of their own have the same digest, for any
/// number of workers, devices in a cell, and any speed. The outcome of a message, its sending time
/// and its latency are not part of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs digest
  mockfleet logs digest s3://bucket/prefix --run 01M8835DCGFEHSEP2HFFMX1S1Y
  test \"$(mockfleet logs digest logs | cut -d' ' -f1)\" = \"$(cat expected.digest)\"
  mockfleet logs digest --json | python3 -m json.tool

A line a run: the digest, the run, its rows. Exit code 1: a file could not be read.
docs/time.md says how others can compute the same.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    log: crate::cli::logs::log_argument::LogArgument,
    /// This run only [default: all, each with a line].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn digest(arguments: &Arguments) -> Result<Ending, Failure> {
    let store = arguments.log.store();
    require_log("LOG", store)?;
    let read = |run| {
        mockfleet_sendlog::digests(store, run).map_err(|error| refused("LOG", error.to_string()))
    };
    let digests = read(arguments.run.as_deref())?;
    let location = mockfleet_sendlog::location(store);
    match &arguments.run {
        Some(run) if digests.runs.is_empty() && digests.unread.is_empty() => {
            return Err(refused("--run", unknown(&location, run, &read(None)?)));
        }
        None if digests.runs.is_empty() && digests.unread.is_empty() => {
            return Err(refused(
                "LOG",
                format!(
                    "{location} has no messages of any run; `mockfleet logs stats {location}` shows what it has"
                ),
            ));
        }
        _ => {}
    }
    if arguments.json {
        out_json!("{}", object(&location, &digests));
    } else {
        for (run, digest) in &digests.runs {
            out_line!(
                "{}  {run}  {} {}",
                digest.hex(),
                digest.rows,
                noun_for(digest.rows, "row")
            );
        }
    }
    for (run, digest) in &digests.runs {
        if let Some(lacking) = lacking(digest) {
            err!("note: run {run}: {lacking}");
        }
    }
    for left in mockfleet_sendlog::spool_folders(store) {
        let counts = digests.runs.contains_key(&left.run);
        if counts && matches!(left.state, SpoolState::UnderWay | SpoolState::Unfinished) {
            err!(
                "warning: rows of run {} are not in the store yet ({}), and not in its digest",
                left.run,
                left.state.as_str()
            );
        }
    }
    warn(&digests.foreign, "not counted");
    warn(&digests.unread, "not counted, and the digest is not whole");
    Ok(match digests.unread.is_empty() {
        true => Ending::Done,
        false => Ending::Failed,
    })
}

fn unknown(location: &str, run: &str, digests: &Digests) -> String {
    let runs: Vec<&str> = digests.runs.keys().map(String::as_str).collect();
    match runs.as_slice() {
        [] => format!(
            "{location} has no messages of any run; `mockfleet logs stats {location}` shows what it has"
        ),
        runs => format!(
            "{location} has no messages of a run {run:?}; there are {}",
            runs.join(", ")
        ),
    }
}

/// Describes the payloads that the digest does not cover.
fn lacking(digest: &Digest) -> Option<String> {
    let lacking = digest.missing_payloads;
    let parts = [
        (
            lacking.none,
            "were not kept (payload = \"none\"): the digest has that they are missing, and not their content",
        ),
        (lacking.cut, "were cut: the digest covers their first bytes"),
        (
            lacking.hashed,
            "were kept as their hash (payload = \"hash\"): the digest covers the hash, and so is another one than that of the same payloads in full",
        ),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, state)| format!("payloads of {} {state}", plural(*rows, "row")))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn object(location: &str, digests: &Digests) -> Value {
    let runs: Vec<Value> = digests
        .runs
        .iter()
        .map(|(run, digest)| {
            json!({
                "run": run,
                "digest": digest.hex(),
                "rows": digest.rows,
                "payloads": {
                    "not_kept": digest.missing_payloads.none,
                    "cut": digest.missing_payloads.cut,
                    "hashed": digest.missing_payloads.hashed,
                },
            })
        })
        .collect();
    json!({
        "store": location,
        "runs": runs,
        "not_read": named(&digests.unread),
        "not_counted": named(&digests.foreign),
    })
}
