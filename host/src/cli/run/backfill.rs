//! `mockfleet backfill`: runs a fleet over a range of time.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::fleet_run::CommandOptions;
use crate::cli::support::fleet_run::ending;
use crate::cli::support::fleet_run::run_fleet;
use crate::cli::support::input;
use crate::cli::support::overrides::CommonOverrides;
use crate::cli::support::recovery::recover;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::cli::ui::progress_view::OutputFormat;
use mockfleet_config::{Fleet, InvalidConfig, Override, Problem, Problems};
use mockfleet_files::counted::plural;

/// Runs a fleet over a range of time at full speed, and writes its messages to the send log.
///
/// No broker and no server is contacted: rows have the outcome `written`, and due times in the
/// range. With --send the messages also go to the targets, in order of time and no faster than the
/// targets accept them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-02-01
  mockfleet backfill fleet.toml --from 2026-01-01T06:00:00Z --to 2026-01-01T18:00:00Z --log s3://bucket/history
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-01-02 --send
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-02-01 --set groups.meter.count=10 --json | tail -1

The same as a run with clock = { start = FROM, speed = \"max\" } whose duration is the
range. docs/time.md has more.")]
pub(crate) struct Arguments {
    /// The fleet file.
    file: PathBuf,
    /// Start of the range: date, time and zone, or a date in UTC.
    #[arg(long, value_name = "TIMESTAMP", value_parser = mockfleet_config::parse_timestamp)]
    from: Timestamp,
    /// End of the range, which is not part of it.
    #[arg(long, value_name = "TIMESTAMP", value_parser = mockfleet_config::parse_timestamp)]
    to: Timestamp,
    /// Send the messages to the targets too.
    #[arg(long)]
    send: bool,
    /// Write the range even if the log already has rows of this fleet in it.
    #[arg(long)]
    allow_overlap: bool,
    #[command(flatten)]
    changes: CommonOverrides,
    /// Threads that call devices [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Print one JSON object a line: progress each second, the summary at the end.
    #[arg(long)]
    json: bool,
}

/// The longest `duration` of a fleet file.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

pub(crate) fn backfill(arguments: &Arguments) -> Result<Ending, Failure> {
    let form = if arguments.json {
        OutputFormat::Json
    } else {
        OutputFormat::People
    };
    let how = CommandOptions {
        workers: arguments.workers,
        form,
        sends: arguments.send,
        ..CommandOptions::new("backfill")
    };
    let (summary, interrupted) = run_fleet(read(arguments)?, how)?;
    match form {
        OutputFormat::Json => out_json!("{}", summary.json()),
        OutputFormat::People => out!("{}", summary.text()),
    }
    Ok(ending(&summary, interrupted))
}

/// Reads the fleet with the range as its clock, and collects all problems.
fn read(arguments: &Arguments) -> Result<Result<Fleet, InvalidConfig>, Problems> {
    let mut overrides = arguments.changes.overrides()?;
    let mut problems = Problems::default();
    let range = range(arguments)
        .map_err(|problem| problems.push(problem))
        .ok();
    let mut set = |shown: &str, path: &[&str], value: String| {
        overrides.push(Override {
            shown: shown.into(),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value,
        });
    };
    set("--from", &["clock", "start"], arguments.from.to_string());
    set("--from", &["clock", "speed"], "max".into());
    // Continue with an invalid range, to report the other problems too.
    let length = range.unwrap_or(Duration::from_millis(1));
    set("--to", &["duration"], format!("{}us", length.as_micros()));
    let fleet = match input::read(&arguments.file, &overrides) {
        Ok(fleet) => fleet,
        Err(mut refused) => {
            let found = std::mem::take(&mut refused.problems);
            found.into_iter().for_each(|problem| problems.push(problem));
            refused.problems = problems;
            return Ok(Err(refused));
        }
    };
    if range.is_some()
        && let Err(problem) = place(&fleet, arguments)
    {
        problems.push(problem);
    }
    Ok(match problems.is_empty() {
        true => Ok(fleet),
        false => Err(InvalidConfig {
            problems,
            rest: Some(Box::new(fleet)),
        }),
    })
}

/// Returns the duration of the range.
fn range(arguments: &Arguments) -> Result<Duration, Problem> {
    let (from, to) = (arguments.from, arguments.to);
    let wrong = |text: String| Problem {
        place: "--to".into(),
        text,
    };
    let length = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    if to == from {
        return Err(wrong(format!(
            "{to} is where the range begins, so there is nothing in it; --to lies after --from"
        )));
    }
    if length.is_zero() {
        return Err(wrong(format!(
            "{to} is before --from {from}; a range ends after it begins"
        )));
    }
    if length > LONGEST {
        return Err(wrong(format!(
            "the range from {from} to {to} is longer than 10 years; fill it in parts"
        )));
    }
    Ok(length)
}

/// Checks that a log is written, and that it has no rows of this fleet in the range.
fn place(fleet: &Fleet, arguments: &Arguments) -> Result<(), Problem> {
    let wrong = |text: String| Problem {
        place: fleet.place(&["log", "store"]),
        text,
    };
    let Some(store) = &fleet.plan.log.store else {
        return match arguments.send {
            true => Ok(()),
            false => Err(wrong(
                "no log is written and nothing is sent, so that nothing would be left of it; name a store, or add --send".into(),
            )),
        };
    };
    if arguments.allow_overlap {
        return Ok(());
    }
    // Rows that a killed process left in the spool are rows of the range too.
    recover(store);
    let groups = fleet.plan.groups.iter();
    let groups: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
    let name = &fleet.plan.name;
    let taken =
        mockfleet_sendlog::overlapping_runs(store, name, &groups, arguments.from, arguments.to)
            .map_err(|error| wrong(error.to_string()))?;
    if taken.files == 0 {
        return Ok(());
    }
    let runs: Vec<&str> = taken.runs.iter().map(String::as_str).collect();
    Err(wrong(format!(
        "{} has rows of fleet {name:?} from {} to {} already ({} of run {}); name another store or another range, or write them a second time with --allow-overlap",
        mockfleet_sendlog::location(store),
        arguments.from,
        arguments.to,
        plural(taken.files, "file"),
        runs.join(", ")
    )))
}
