//! `mockfleet run`: a fleet file, run to its end.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::compiling;
use super::console::Printed;
use super::given;
use super::logs::recover::said;
use super::note::Note;
use super::watch::{Form, Watch};
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::{Fleet, InvalidConfig, Override, Problem, Problems, Scope, TickRate};
use mockfleet_engine::{Bound, Finished, Pacer, Prepared, Search, Settings, prepare};
use mockfleet_metrics::{Log, Summary};
use mockfleet_plugin::Engine;

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
  mockfleet run fleet.toml --json | tail -1 | python3 -m json.tool
  mockfleet run fleet.toml --check 'acked >= 99.9%' --junit verdict.xml
  mockfleet run warehouse.bundle --set targets.broker.url=mqtt://10.0.0.5
  mockfleet run fleet.toml --until 'ack.p99 > 200ms' --until 'failed > 1%'

With --until the rate is raised until the backend breaks; exit code 0 says that its limit
was found, 1 that the host was reached first or nothing broke. docs/load.md has more.")]
pub(super) struct Arguments {
    /// The fleet file (docs/fleet-file.md has each of its keys), a bundle, or the address of
    /// one: https://… or s3://…, with #sha256=… pinned to its content.
    file: PathBuf,
    #[command(flatten)]
    over: Over,
    /// Threads that call devices [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Look for the rate at which this breaks: raise the rate of all groups step by step
    /// until it does. ack.p50, ack.p95, ack.p99 (sent to confirmed), failed (a share),
    /// lag.p50, lag.p95, lag.p99 (the host's own). Can be given many times.
    #[arg(long, value_name = "BOUND", value_parser = Bound::parse, conflicts_with = "duration")]
    until: Vec<Bound>,
    /// How long each rate of --until is measured.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = step, requires = "until")]
    step: Duration,
    /// What must hold at the end, beside [checks] of the fleet file: 'acked >= 99.9%',
    /// 'latency.p99 <= 200ms', 'failed == 0' (docs/verdicts.md). Can be given many times.
    #[arg(long = "check", value_name = "CHECK", conflicts_with = "until")]
    checks: Vec<String>,
    /// Write what CI servers read: each check, and the run's own verdict, as JUnit XML.
    #[arg(long, value_name = "FILE", conflicts_with = "until")]
    junit: Option<PathBuf>,
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
    #[command(flatten)]
    changes: Changes,
}

/// What it changes wherever a fleet runs.
#[derive(Debug, clap::Args)]
pub(super) struct Changes {
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
        let mut overrides = self.changes.overrides()?;
        overrides.extend(self.duration.as_ref().map(|duration| Override {
            shown: "--duration".into(),
            path: vec!["duration".into()],
            value: duration.clone(),
        }));
        Ok(overrides)
    }
}

impl Changes {
    /// In the order of their weight: what has an option of its own wins.
    pub(super) fn overrides(&self) -> Result<Vec<Override>, Problems> {
        let mut problems = Problems::default();
        let mut overrides = Vec::new();
        for text in &self.set {
            match Override::parse(text) {
                Ok(change) => overrides.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        let option = |shown: &str, path: &[&str], value: &str| Override {
            shown: shown.to_owned(),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value: value.to_owned(),
        };
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
    let fleet = given::read(&arguments.file, &arguments.over.overrides()?);
    let junit = arguments.junit.as_deref();
    let fleet = with_checks(fleet, &arguments.checks, junit.and_then(check_junit));
    let search = (!arguments.until.is_empty()).then(|| Until {
        bounds: arguments.until.clone(),
        step: arguments.step,
    });
    let began = super::note::now();
    let how = How {
        workers: arguments.workers,
        until: search,
        checks: &arguments.checks,
        form,
        ..How::new("run")
    };
    let (summary, interrupted) = run_fleet(fleet, how)?;
    match form {
        Form::Json => say!("{}", summary.json()),
        Form::People => say!("{}", summary.text()),
    }
    // Last: a disk that is full must not take the summary along.
    if let Some(junit) = junit {
        std::fs::write(junit, mockfleet_report::junit(&summary, &began))
            .with_context(|| format!("{} cannot be written", junit.display()))?;
    }
    Ok(ending(&summary, interrupted))
}

/// How a fleet is run.
pub(super) struct How<'a> {
    /// Of mockfleet, for whoever runs it again.
    pub(super) command: &'static str,
    pub(super) workers: Option<u32>,
    pub(super) until: Option<Until>,
    /// The checks of the command line.
    pub(super) checks: &'a [String],
    pub(super) form: Form,
    /// Whether messages leave, or become rows only.
    pub(super) sends: bool,
}

impl How<'_> {
    /// As it is without further arguments.
    pub(super) const fn new(command: &'static str) -> Self {
        Self {
            command,
            workers: None,
            until: None,
            checks: &[],
            form: Form::People,
            sends: true,
        }
    }
}

/// Adds the checks of the command line to those of the fleet file, and what else is wrong
/// with it.
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
                text,
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

/// Whether what CI servers read can be written where it is to go.
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

/// What a search is told.
pub(super) struct Until {
    bounds: Vec<Bound>,
    step: Duration,
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
    fleet: Result<Fleet, InvalidConfig>,
    engine: &Engine,
    how: &How<'_>,
) -> Result<(Fleet, Prepared, Printed), Problems> {
    let printed = Printed::new();
    let settings = Settings {
        workers: how.workers,
        console: printed.console(),
        changing: how.until.is_some(),
        sends: how.sends,
    };
    let (fleet, mut problems) = match fleet {
        Ok(fleet) => (fleet, Problems::default()),
        Err(InvalidConfig {
            problems,
            rest: Some(rest),
        }) => (*rest, problems),
        Err(refused) => return Err(refused.problems),
    };
    let prepared = prepare(&fleet, engine, &settings);
    printed.take().iter().for_each(|line| tell!("{line}"));
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
    fleet: Result<Fleet, InvalidConfig>,
    how: How<'_>,
) -> Result<(Summary, bool), Failure> {
    let engine = engine_for(&fleet)?;
    let (fleet, prepared, printed) = prepare_fleet(fleet, &engine, &how)?;
    // The store has just been proven: what an earlier run left behind goes there too.
    match fleet
        .plan
        .log
        .store
        .as_ref()
        .map(mockfleet_sendlog::recover)
    {
        Some(Ok(runs)) => runs.iter().for_each(|run| tell!("{}", said(run))),
        Some(Err(error)) => tell!("warning: {error}"),
        None => {}
    }
    let watch = Watch::new(how.form).context("the run could not be watched")?;
    let note = Note::begin(&fleet, &prepared, how.command, how.sends, how.checks);
    let running = prepared.start();
    let mut pacer = how.until.map(|until| {
        let search = Search::new(until.bounds, most(&fleet));
        Pacer::new(search, until.step, running.devices(), running.workers())
    });
    let (finished, interrupted) = watch.follow(running, &printed, pacer.as_mut());
    if let Some(error) = &finished.log.error {
        tell!("{error}");
    }
    let mut summary = summary(&fleet, finished);
    summary.limit = pacer.map(|pacer| pacer.limit());
    if let Some(note) = note {
        note.end(&summary, interrupted);
    }
    Ok((summary, interrupted))
}

/// How many times faster than its schedule the fastest device of a fleet may go: a
/// thousand ticks a second is what a fleet file can ask for.
fn most(fleet: &Fleet) -> f64 {
    let intervals = fleet
        .plan
        .groups
        .iter()
        .filter_map(|group| match group.schedule.tick_rate {
            TickRate::Every(length) => Some(length.as_secs_f64()),
            TickRate::FlatOut => None,
        });
    intervals.fold(f64::INFINITY, f64::min) * 1_000.0
}

/// An engine for a device or two.
pub(super) fn engine() -> anyhow::Result<Engine> {
    runs(Engine::new())
}

/// An engine for as many cells as a fleet has.
pub(super) fn engine_for(fleet: &Result<Fleet, InvalidConfig>) -> anyhow::Result<Engine> {
    let fleet = match fleet {
        Ok(fleet) => Some(fleet),
        Err(refused) => refused.rest.as_deref(),
    };
    let cells = fleet.map_or(0, |fleet| fleet.plan.cells());
    runs(Engine::for_cells(cells))
}

fn runs<E: std::fmt::Display>(engine: Result<Engine, E>) -> anyhow::Result<Engine> {
    let builtins = |name: &str| mockfleet_builtin::find(name).map_err(|error| error.to_string());
    let engine = engine.map(|engine| {
        let engine = engine.with_builtins(builtins);
        engine.watched(compiling::watch())
    });
    engine.map_err(|error| anyhow::anyhow!("WebAssembly cannot run here: {error:#}"))
}

pub(super) fn summary(fleet: &Fleet, mut finished: Finished) -> Summary {
    let store = fleet.plan.log.store.as_ref();
    let run = finished.identity.run.clone();
    let closed = finished.log;
    let mut log = Log {
        location: store.map(mockfleet_sendlog::location),
        rows: closed.rows,
        events: closed.events,
        files: closed.files,
        bytes: closed.bytes,
        lost: closed.lost,
        requests: closed.requests,
        pruned: closed.pruned,
        error: closed.error.map(|error| error.to_string()),
        query: store.map(|store| mockfleet_sendlog::query(store, &run)),
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
        ran: finished.ran,
        passed: finished.passed,
        flat_out: finished.flat_out,
        stages: finished.stages,
        limit: None,
        checks: finished.checks,
        counters: finished.counters,
        log,
    }
}
