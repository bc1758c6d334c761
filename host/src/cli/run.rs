//! `mockfleet run`: a fleet file, run to its end.

use std::path::PathBuf;

use anyhow::Context as _;

use super::console::Printed;
use super::logs::recover::said;
use super::watch::{Form, Watch};
use super::{Ending, Failure};
use crate::fleet::{Fleet, Override, Problems, Refused};
use crate::plugin::Engine;
use crate::run::{Finished, Prepared, Settings, prepare};
use crate::sendlog;
use crate::status::{Log, Summary};

/// Runs a fleet: calls its devices on schedule, sends what they return, writes the
/// send log, and says at the end what came of it.
///
/// Everything is checked before the first message is sent. Ctrl-C ends the run in an
/// orderly way: no new ticks, open messages get 5 s, the log is closed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet run fleet.toml
  mockfleet run fleet.toml --duration 30s --log /tmp/logs
  mockfleet run fleet.toml --set targets.broker.qos=1 --set groups.thermometer.count=10000
  mockfleet run fleet.toml --json | tail -1 | python3 -m json.tool")]
pub(super) struct Arguments {
    /// The fleet file; docs/fleet-file.md has each of its keys.
    file: PathBuf,
    #[command(flatten)]
    over: Over,
    /// Threads that call devices [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Print one JSON object a line: progress each second, the summary at the end.
    #[arg(long)]
    json: bool,
}

/// What the command line changes in a fleet file.
#[derive(Debug, clap::Args)]
pub(super) struct Over {
    /// How long ticks are due: 30s, 10m, 1h30m.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Where the send log goes: a folder, s3://bucket/prefix, or none.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// The seed: same seed, same run.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Any key of the fleet file, groups and targets by name:
    /// groups.thermometer.every=500ms. Can be given many times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Over {
    /// In the order of their weight: what has an option of its own wins.
    pub(super) fn overrides(&self) -> Result<Vec<Override>, Problems> {
        let mut problems = Problems::default();
        let mut overrides = Vec::new();
        for text in &self.set {
            match Override::set(text) {
                Ok(change) => overrides.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        let option = |shown: &str, path: &[&str], value: &str| Override {
            shown: shown.to_owned(),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value: value.to_owned(),
        };
        if let Some(duration) = &self.duration {
            overrides.push(option("--duration", &["duration"], duration));
        }
        if let Some(log) = &self.log {
            overrides.push(option("--log", &["log", "store"], log));
        }
        if let Some(seed) = self.seed {
            overrides.push(option("--seed", &["seed"], &seed.to_string()));
        }
        if problems.is_empty() {
            Ok(overrides)
        } else {
            Err(problems)
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, Failure> {
    let form = if arguments.json {
        Form::Json
    } else {
        Form::People
    };
    let fleet = Fleet::read(&arguments.file, &arguments.over.overrides()?);
    let (summary, interrupted) = run_fleet(fleet, arguments.workers, form)?;
    match form {
        Form::Json => println!("{}", summary.json()),
        Form::People => println!("{}", summary.text()),
    }
    Ok(ending(&summary, interrupted))
}

pub(super) fn ending(summary: &Summary, interrupted: bool) -> Ending {
    match (interrupted, summary.is_success()) {
        // Whoever stops a run may still have to know that its log is not whole.
        (true, _) if summary.log.error.is_none() => Ending::Interrupted,
        (false, true) => Ending::Done,
        _ => Ending::Failed,
    }
}

/// Prepares a fleet. Where its file is not good, what is good in it is prepared all
/// the same, so that everything that is wrong is said at once.
pub(super) fn prepare_fleet(
    fleet: Result<Fleet, Refused>,
    engine: &Engine,
    workers: Option<u32>,
) -> Result<(Fleet, Prepared, Printed), Problems> {
    let printed = Printed::new();
    let settings = Settings {
        workers,
        console: printed.console(),
    };
    let (fleet, mut problems) = match fleet {
        Ok(fleet) => (fleet, Problems::default()),
        Err(Refused {
            problems,
            rest: Some(rest),
        }) => (*rest, problems),
        Err(refused) => return Err(refused.problems),
    };
    let prepared = prepare(&fleet, engine, &settings);
    printed.take().iter().for_each(|line| eprintln!("{line}"));
    match prepared {
        Ok(prepared) if problems.is_empty() => Ok((fleet, prepared, printed)),
        Ok(_) => Err(problems),
        Err(more) => {
            more.into_iter().for_each(|problem| problems.push(problem));
            Err(problems)
        }
    }
}

/// Prepares, runs and watches a fleet.
pub(super) fn run_fleet(
    fleet: Result<Fleet, Refused>,
    workers: Option<u32>,
    form: Form,
) -> Result<(Summary, bool), Failure> {
    let engine = engine_for(&fleet)?;
    let (fleet, prepared, printed) = prepare_fleet(fleet, &engine, workers)?;
    // The store has just been proven: what an earlier run left behind goes there too.
    match fleet.plan.log.store.as_ref().map(sendlog::recover) {
        Some(Ok(runs)) => runs.iter().for_each(|run| eprintln!("{}", said(run))),
        Some(Err(error)) => eprintln!("warning: {error}"),
        None => {}
    }
    let watch = Watch::new(form).context("the run could not be watched")?;
    let (finished, interrupted) = watch.follow(prepared.start(), &printed);
    if let Some(error) = &finished.log.error {
        eprintln!("{error}");
    }
    Ok((summary(&fleet, finished), interrupted))
}

/// An engine for a device or two.
pub(super) fn engine() -> anyhow::Result<Engine> {
    runs(Engine::new())
}

/// An engine for as many cells as a fleet has.
pub(super) fn engine_for(fleet: &Result<Fleet, Refused>) -> anyhow::Result<Engine> {
    let fleet = match fleet {
        Ok(fleet) => Some(fleet),
        Err(refused) => refused.rest.as_deref(),
    };
    let cells = fleet.map_or(0, |fleet| fleet.plan.cells());
    runs(Engine::for_cells(cells))
}

fn runs<E: std::fmt::Display>(engine: Result<Engine, E>) -> anyhow::Result<Engine> {
    engine.map_err(|error| anyhow::anyhow!("WebAssembly cannot run here: {error:#}"))
}

fn summary(fleet: &Fleet, mut finished: Finished) -> Summary {
    let store = fleet.plan.log.store.as_ref();
    let run = finished.identity.run.clone();
    let closed = finished.log;
    let mut log = Log {
        location: store.map(sendlog::location),
        rows: closed.rows,
        events: closed.events,
        files: closed.files,
        bytes: closed.bytes,
        lost: closed.lost,
        requests: closed.requests,
        pruned: closed.pruned,
        error: closed.error.map(|error| error.to_string()),
        query: store.map(|store| sendlog::query(store, &run)),
    };
    for (trouble, times) in closed.troubles {
        finished.counters.notices.count_times(&trouble, times);
    }
    if finished.lost_workers > 0 {
        log.error = Some(format!(
            "{} workers of mockfleet itself ended in a panic, and rows are missing; please report it with the lines above",
            finished.lost_workers
        ));
    }
    Summary {
        fleet: fleet.plan.name.clone(),
        run,
        devices: finished.devices,
        workers: finished.workers,
        took: finished.took,
        counters: finished.counters,
        log,
    }
}
