//! `mockfleet backfill`: a fleet lives through a range of time as fast as it can.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::given;
use super::logs::recover::said;
use super::run::{Changes, How, ending, run_fleet};
use super::watch::Form;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::{Fleet, InvalidConfig, Override, Problem, Problems, Transition};

/// Lets a fleet live through a range of time as fast as it goes, and writes what it would
/// have sent to the send log.
///
/// No broker and no server is contacted: rows have the outcome `written`, and their due
/// times lie in the range. With --send everything goes to the targets as well, in order of
/// time and no faster than they take it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-02-01
  mockfleet backfill fleet.toml --from 2026-01-01T06:00:00Z --to 2026-01-01T18:00:00Z --log s3://bucket/history
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-01-02 --send
  mockfleet backfill fleet.toml --from 2026-01-01 --to 2026-02-01 --set groups.meter.count=10 --json | tail -1

The same as a run with clock = { start = FROM, speed = \"max\" } whose duration is the
range, and whose devices are all on from its start. docs/time.md has more.")]
pub(super) struct Arguments {
    /// The fleet file.
    file: PathBuf,
    /// Where the range begins: date, time and zone, or a date in UTC.
    #[arg(long, value_name = "MOMENT", value_parser = mockfleet_config::parse_timestamp)]
    from: Timestamp,
    /// Where it ends; nothing is due at this moment any more.
    #[arg(long, value_name = "MOMENT", value_parser = mockfleet_config::parse_timestamp)]
    to: Timestamp,
    /// Send everything to the targets too.
    #[arg(long)]
    send: bool,
    /// Write the range even if the log has rows of this fleet in it already.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    changes: Changes,
    /// Threads that call devices [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Print one JSON object a line: progress each second, the summary at the end.
    #[arg(long)]
    json: bool,
}

/// The longest `duration` of a fleet file.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

pub(super) fn backfill(arguments: &Arguments) -> Result<Ending, Failure> {
    let form = if arguments.json {
        Form::Json
    } else {
        Form::People
    };
    let how = How {
        workers: arguments.workers,
        form,
        sends: arguments.send,
        ..How::new("backfill")
    };
    let (summary, interrupted) = run_fleet(read(arguments)?, how)?;
    match form {
        Form::Json => say!("{}", summary.json()),
        Form::People => say!("{}", summary.text()),
    }
    Ok(ending(&summary, interrupted))
}

/// The fleet as it is to live through the range, and all that is wrong with that.
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
    // Of a range that is none, the rest of what is wrong is said all the same.
    let length = range.unwrap_or(Duration::from_millis(1));
    set("--to", &["duration"], format!("{}us", length.as_micros()));
    let mut fleet = match given::read(&arguments.file, &overrides) {
        Ok(fleet) => fleet,
        Err(mut refused) => {
            let found = std::mem::take(&mut refused.problems);
            found.into_iter().for_each(|problem| problems.push(problem));
            refused.problems = problems;
            return Ok(Err(refused));
        }
    };
    at_the_start(&mut fleet);
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

/// How long the range is.
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

/// Nobody waits for connections in the past: what a fleet file does not ramp up is on from
/// the start.
fn at_the_start(fleet: &mut Fleet) {
    for group in &mut fleet.plan.groups {
        let stages = &group.schedule.stages;
        let gated = stages
            .iter()
            .any(|stage| stage.devices != Transition::constant(1.0));
        if !gated {
            group.schedule.ramp.get_or_insert(Duration::ZERO);
        }
    }
}

/// There has to be a log, and no rows of this fleet in the range.
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
    if arguments.again {
        return Ok(());
    }
    // Rows that a killed process left in the spool are rows of the range too.
    match mockfleet_sendlog::recover(store) {
        Ok(runs) => runs.iter().for_each(|run| tell!("{}", said(run))),
        Err(error) => tell!("warning: {error}"),
    }
    let groups = fleet.plan.groups.iter();
    let groups: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
    let name = &fleet.plan.name;
    let taken = mockfleet_sendlog::taken(store, name, &groups, arguments.from, arguments.to)
        .map_err(|error| wrong(error.to_string()))?;
    if taken.files == 0 {
        return Ok(());
    }
    let runs: Vec<&str> = taken.runs.iter().map(String::as_str).collect();
    Err(wrong(format!(
        "{} has rows of fleet {name:?} from {} to {} already ({} files of run {}); name another store or another range, or write them a second time with --again",
        mockfleet_sendlog::location(store),
        arguments.from,
        arguments.to,
        taken.files,
        runs.join(", ")
    )))
}
