//! Prepares, runs and summarizes a fleet.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use mockfleet_config::{Fleet, InvalidConfig, Problems, TickRate};
use mockfleet_engine::{
    BreakpointSearch, Finished, Prepared, RunOptions, SearchDriver, StopCondition, prepare,
};
use mockfleet_metrics::{LogTotals, Summary, plural};
use mockfleet_plugin::Engine;

use crate::cli::support::engine::engine_for;
use crate::cli::support::exit::{Ending, Failure};
use crate::cli::support::recovery::recover;
use crate::cli::support::run_metadata::RunMetadata;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use crate::cli::ui::progress_view::{OutputFormat, ProgressView};

/// Options of a command that runs a fleet.
pub(crate) struct CommandOptions<'a> {
    /// The command of mockfleet, for the metadata.
    pub(crate) command: &'static str,
    pub(crate) workers: Option<u32>,
    pub(crate) until: Option<SearchOptions>,
    /// Checks of the command line.
    pub(crate) checks: &'a [String],
    pub(crate) form: OutputFormat,
    /// Whether messages are sent, or only written to the log.
    pub(crate) sends: bool,
    /// Time at which the clock starts.
    pub(crate) start_at: Option<Timestamp>,
}

impl CommandOptions<'_> {
    /// Returns the default options of a command.
    pub(crate) const fn new(command: &'static str) -> Self {
        Self {
            command,
            workers: None,
            until: None,
            checks: &[],
            form: OutputFormat::People,
            sends: true,
            start_at: None,
        }
    }
}

/// Options of a breakpoint search.
pub(crate) struct SearchOptions {
    pub(crate) bounds: Vec<StopCondition>,
    pub(crate) step: Duration,
}

pub(crate) fn ending(summary: &Summary, interrupted: bool) -> Ending {
    match (interrupted, summary.is_success()) {
        // An interrupted run still reports that its log is incomplete.
        (true, _) if summary.log.error.is_none() => Ending::Interrupted,
        (false, true) => Ending::Done,
        _ => Ending::Failed,
    }
}

/// Prepares a fleet. With problems in its file, the rest is prepared too, so that all problems are
/// reported at once.
pub(crate) fn prepare_fleet(
    fleet: Result<Fleet, InvalidConfig>,
    engine: &Engine,
    how: &CommandOptions<'_>,
) -> Result<(Fleet, Prepared, GuestOutput), Problems> {
    let printed = GuestOutput::new();
    let settings = RunOptions::default()
        .with_workers(how.workers)
        .with_console(printed.console())
        .with_variable_rate(how.until.is_some())
        .with_sends(how.sends)
        .with_start_at(how.start_at);
    let (fleet, mut problems) = match fleet {
        Ok(fleet) => (fleet, Problems::default()),
        Err(InvalidConfig {
            problems,
            rest: Some(rest),
        }) => (*rest, problems),
        Err(refused) => return Err(refused.problems),
    };
    let prepared = prepare(&fleet, engine, &settings);
    printed.take().iter().for_each(|line| err!("{line}"));
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
pub(crate) fn run_fleet(
    fleet: Result<Fleet, InvalidConfig>,
    how: CommandOptions<'_>,
) -> Result<(Summary, bool), Failure> {
    let engine = engine_for(&fleet)?;
    let (fleet, prepared, printed) = prepare_fleet(fleet, &engine, &how)?;
    // `prepare` has tested the store, so rows of earlier runs can go there as well.
    if let Some(store) = &fleet.plan.log.store {
        recover(store);
    }
    let watch = ProgressView::new(how.form).context("the run could not be watched")?;
    let note = RunMetadata::begin(&fleet, &prepared, how.command, how.sends, how.checks);
    tracing::info!(
        fleet = fleet.plan.name,
        devices = prepared.devices(),
        workers = prepared.workers(),
        "run starts"
    );
    let running = prepared.start();
    let mut pacer = how.until.map(|until| {
        let search = BreakpointSearch::new(until.bounds, most(&fleet));
        SearchDriver::new(search, until.step, running.devices(), running.workers())
    });
    let (finished, interrupted) = watch.follow(running, &printed, pacer.as_mut());
    tracing::info!(interrupted, "run ended");
    if let Some(error) = &finished.log.error {
        err!("{error}");
    }
    let mut summary = summary(&fleet, finished);
    summary.breakpoint = pacer.map(|pacer| pacer.limit());
    if let Some(note) = note {
        note.end(&summary, interrupted);
    }
    Ok((summary, interrupted))
}

/// Returns the maximum rate factor: a fleet file allows at most 1,000 ticks a second.
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

pub(crate) fn summary(fleet: &Fleet, mut finished: Finished) -> Summary {
    let store = fleet.plan.log.store.as_ref();
    let run = finished.identity.run.clone();
    let closed = finished.log;
    let mut log = LogTotals {
        location: store.map(mockfleet_sendlog::location),
        rows: closed.counters.stored_rows,
        events: closed.counters.stored_events,
        spooled: closed.counters.rows - closed.counters.stored_rows,
        files: closed.counters.files,
        bytes: closed.counters.bytes,
        lost: closed.counters.lost_rows,
        requests: closed.counters.requests,
        pruned: closed.counters.pruned_files,
        error: closed.error.map(|error| error.to_string()),
        query: store.map(|store| mockfleet_sendlog::first_query(store, &run)),
    };
    for (trouble, times) in closed.warnings {
        finished.counters.warnings.count_times(&trouble, times);
    }
    if finished.lost_workers > 0 {
        log.error = Some(format!(
            "{} of mockfleet itself ended in a panic, and rows are missing; please report it with the lines above",
            plural(finished.lost_workers, "worker")
        ));
    }
    Summary {
        fleet: fleet.plan.name.clone(),
        run,
        devices: finished.devices,
        workers: finished.workers,
        took: finished.took,
        ran: finished.ran,
        connect: finished.connect,
        clock: finished.passed,
        flat_out: finished.flat_out,
        stages: finished.stages,
        breakpoint: None,
        checks: finished.checks,
        counters: finished.counters,
        log,
    }
}
