//! `mockfleet run`: runs a fleet file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::fleet_run::{CommandOptions, SearchOptions, ending, run_fleet};
use crate::cli::support::input;
use crate::cli::support::overrides::RunOverrides;
use crate::cli::support::run_metadata;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::cli::ui::progress_view::OutputFormat;
use mockfleet_config::{Fleet, InvalidConfig, Problem, Problems, Scope};
use mockfleet_engine::StopCondition;

/// Runs a fleet: calls its devices on schedule, sends their messages, writes the send log, and
/// prints a summary.
///
/// Everything is checked before the first message is sent. The connections of the devices that are
/// on at the start are opened before the clock starts. Ctrl-C ends the run in order: no new ticks,
/// 5 s for open messages, then the log is closed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet run fleet.toml
  mockfleet run fleet.toml --duration 30s --log /tmp/logs
  mockfleet run fleet.toml --set targets.broker.qos=1 --set groups.thermometer.count=10000
  mockfleet run fleet.toml --json | tail -1 | python3 -m json.tool
  mockfleet run fleet.toml --check 'acked >= 99.9%' --junit verdict.xml
  mockfleet run warehouse.bundle --set targets.broker.url=mqtt://10.0.0.5
  mockfleet run fleet.toml --until 'ack.p99 > 200ms' --until 'failed > 1%'

With --until the rate is raised until the backend breaks; exit code 0 means that the limit
was found, 1 that the host was reached first or nothing broke. docs/load.md has more.")]
pub(crate) struct Arguments {
    /// The fleet file (docs/fleet-file.md has each of its keys), a bundle, or the address of
    /// one: https://… or s3://…, with #sha256=… pinned to its content.
    file: PathBuf,
    #[command(flatten)]
    over: RunOverrides,
    /// Time at which the clock starts, with the connections open: 2026-06-01T00:00:00Z [default:
    /// as soon as they are open].
    #[arg(long, value_name = "TIMESTAMP", value_parser = future)]
    start_at: Option<Timestamp>,
    /// Threads that call devices [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Search for the rate at which the backend breaks: raise the rate of all groups in steps
    /// until one of these bounds breaks. Figures: ack.p50, ack.p95, ack.p99 (from sent to
    /// confirmed), failed (a share), lag.p50, lag.p95, lag.p99 (from due to called). Repeatable.
    #[arg(long, value_name = "CONDITION", value_parser = StopCondition::parse, conflicts_with = "duration")]
    until: Vec<StopCondition>,
    /// Time for which each rate of --until is measured.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = step, requires = "until")]
    step: Duration,
    /// Add a check to [checks] of the fleet file: 'acked >= 99.9%', 'latency.p99 <= 200ms',
    /// 'failed == 0' (docs/verdicts.md). Repeatable.
    #[arg(long = "check", value_name = "CHECK", conflicts_with = "until")]
    checks: Vec<String>,
    /// Write the checks and the verdict of the run as JUnit XML, for CI servers.
    #[arg(long, value_name = "FILE", conflicts_with = "until")]
    junit: Option<PathBuf>,
    /// Print one JSON object a line: progress each second, the summary at the end.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let form = if arguments.json {
        OutputFormat::Json
    } else {
        OutputFormat::People
    };
    let fleet = input::read(&arguments.file, &arguments.over.overrides()?);
    let junit = arguments.junit.as_deref();
    let fleet = with_checks(fleet, &arguments.checks, junit.and_then(check_junit));
    let search = (!arguments.until.is_empty()).then(|| SearchOptions {
        bounds: arguments.until.clone(),
        step: arguments.step,
    });
    let began = run_metadata::now();
    let how = CommandOptions {
        workers: arguments.workers,
        until: search,
        checks: &arguments.checks,
        form,
        start_at: arguments.start_at,
        ..CommandOptions::new("run")
    };
    let (summary, interrupted) = run_fleet(fleet, how)?;
    match form {
        OutputFormat::Json => out_json!("{}", summary.json()),
        OutputFormat::People => out!("{}", summary.text()),
    }
    // Written last, so that a full disk does not prevent the summary.
    if let Some(junit) = junit {
        std::fs::write(junit, mockfleet_report::junit(&summary, &began)).with_context(|| {
            format!(
                "--junit: {} cannot be written; give a file in a folder that is there",
                junit.display()
            )
        })?;
    }
    Ok(ending(&summary, interrupted))
}

/// Adds the checks of the command line to those of the fleet file, and further problems.
fn with_checks(
    fleet: Result<Fleet, InvalidConfig>,
    checks: &[String],
    wrong: Option<Problem>,
) -> Result<Fleet, InvalidConfig> {
    let mut problems = Problems::default();
    wrong.into_iter().for_each(|problem| problems.push(problem));
    let mut read = Vec::new();
    for text in checks {
        match mockfleet_config::Check::parse(&Scope::Fleet, text) {
            Ok(check) => read.push(check),
            Err(text) => problems.push(Problem {
                place: "--check".into(),
                text: text.to_string(),
            }),
        }
    }
    match fleet {
        Ok(mut fleet) if problems.is_empty() => {
            fleet.plan.checks.list.extend(read);
            Ok(fleet)
        }
        Ok(fleet) => Err(InvalidConfig {
            problems,
            rest: Some(Box::new(fleet)),
        }),
        Err(mut refused) => {
            problems
                .into_iter()
                .for_each(|problem| refused.problems.push(problem));
            Err(refused)
        }
    }
}

/// Returns the problem with the JUnit file, if it cannot be written.
fn check_junit(file: &Path) -> Option<Problem> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let why = match file.is_dir() {
        true => "it is a folder; give a file",
        false if !folder.is_dir() => "its folder is not there; make it first",
        false => return None,
    };
    Some(Problem {
        place: "--junit".into(),
        text: format!("{} cannot be written: {why}", file.display()),
    })
}

fn future(text: &str) -> Result<Timestamp, String> {
    let at = mockfleet_config::parse_timestamp(text)?;
    match at > Timestamp::now() {
        true => Ok(at),
        false => Err(format!(
            "{at} is in the past; a clock that shows a time in the past is clock.start of the fleet file"
        )),
    }
}

fn step(text: &str) -> Result<Duration, String> {
    let length = mockfleet_config::parse_duration(text)?;
    let bounds = Duration::from_secs(1)..=Duration::from_secs(3600);
    if bounds.contains(&length) {
        Ok(length)
    } else {
        Err("a step takes between 1s and 1h".into())
    }
}
