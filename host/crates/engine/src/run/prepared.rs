//! Prepares a fleet and starts it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::group::device_group::Group;
use crate::group::thresholds::{ThresholdCollector, ThresholdEvaluator};
use crate::prepare::memory_limit::in_flight;
use crate::prepare::problem::problem;
use crate::prepare::{compatibility, device_settings, groups, log_directory, transport_spec};
use crate::run::options::RunOptions;
use crate::run::running::Running;
use crate::run::start_line::{StartLine, StartPlan, lead};
use crate::run::threads::{self, ReadyWorker, WorkerConfig};
use crate::time::bounded_lag::BoundedLag;
use crate::time::clock::{Micros, is_machine_time, micros, unix_now};
use crate::time::rate_scale::RateChanges;
use mockfleet_config::{Connections, Fleet, Problems, Protocol, Speed};
use mockfleet_plugin::Engine;
use mockfleet_sendlog::{Identity, SendLog};
use mockfleet_transport::RunNames;

/// A fleet with created devices and accepted settings, ready to start.
pub struct Prepared {
    identity: Identity,
    devices: u64,
    workers: u32,
    duration: Option<Duration>,
    start: StartPlan,
    log: SendLog,
    ready: Vec<ReadyWorker>,
    stop: watch::Sender<bool>,
    groups: Arc<[Group]>,
    rate_changes: Option<Arc<RateChanges>>,
    bounded_lag: Option<Arc<BoundedLag>>,
    evaluator: Option<ThresholdEvaluator>,
}

/// Prepares a fleet: checks everything and creates every device, and sends nothing.
///
/// # Errors
/// Returns all problems of the fleet.
pub fn prepare(fleet: &Fleet, engine: &Engine, options: &RunOptions) -> Result<Prepared, Problems> {
    let mut problems = Problems::default();
    let identity = Identity::new();
    let names = RunNames {
        fleet: fleet.plan.name.as_str().into(),
        run: identity.run.as_str().into(),
    };
    let groups = groups::groups(fleet, engine, &options.console, &mut problems);
    let transports = match options.sends {
        true => transport_spec::transports(fleet, &names, &mut problems),
        false => transport_spec::null_transports(fleet),
    };
    if options.sends {
        compatibility::check_open_files(fleet, &mut problems);
    }
    compatibility::check_clock(fleet, &mut problems);
    if options.variable_rate {
        compatibility::check_variable_rate(fleet, &mut problems);
    }
    let directory = log_directory::directory(&fleet.plan, &groups);
    let log = SendLog::open(&fleet.plan.log, identity.clone(), directory)
        .map_err(|error| problems.push(problem(fleet, &["log", "store"], error.to_string())))
        .ok();
    let (stop, stopped) = watch::channel(false);
    let duration = fleet.plan.duration.filter(|_| !options.variable_rate);
    let workers = worker_count(fleet, options);
    let clock = fleet.plan.clock;
    let start_at = options.start_at.map(Timestamp::as_microsecond);
    let start_at = start_at.and_then(|at| u64::try_from(at).ok());
    let bounded_lag = (clock.speed == Speed::Max).then(|| BoundedLag::new(workers, options.sends));
    let config = WorkerConfig {
        groups: groups.into(),
        transports,
        console: options.console.clone(),
        stop: stopped,
        origin: planned_start(&clock, fleet, workers, start_at),
        end: duration.map_or(Micros::MAX, micros),
        rate_changes: options.variable_rate.then(Arc::default),
        bounded_lag: bounded_lag.clone(),
        sends: options.sends,
        in_flight: in_flight(&fleet.plan),
        // Skip checks in a breakpoint search, since they hold for the fleet's own rate. Skip
        // them also in a run that sends nothing.
        thresholds: ThresholdCollector::new(&fleet.plan)
            .filter(|_| options.sends && !options.variable_rate),
    };
    let (mut ready, mut creation) = (Vec::new(), Duration::ZERO);
    match threads::start(&config, workers) {
        Ok((started, created)) => {
            creation = created.took;
            ready = started;
            device_settings::create_errors(fleet, &config.groups, created.errors, &mut problems);
        }
        Err(error) => {
            let text = format!("no thread for a worker: {error}; try fewer with --workers");
            problems.push(problem(fleet, &["groups"], text));
        }
    }
    match log.filter(|_| problems.is_empty()) {
        Some(log) => Ok(Prepared {
            identity,
            devices: config
                .groups
                .iter()
                .map(|group| u64::from(group.count))
                .sum(),
            workers,
            duration,
            start: StartPlan {
                origin: config.origin,
                clock,
                creation,
                start_at,
            },
            log,
            ready,
            stop,
            groups: config.groups,
            rate_changes: config.rate_changes,
            bounded_lag,
            evaluator: config.thresholds.map(|thresholds| ThresholdEvaluator {
                thresholds,
                checks: fleet.plan.checks.clone(),
            }),
        }),
        None => Err(problems),
    }
}

/// Returns the time at which the run is going to start, in microseconds since the Unix epoch.
///
/// Devices are told that time when they are created, before the start. A clock that shows the
/// machine's time waits for it. A later time is chosen if it has passed when the connections are
/// open.
fn planned_start(
    clock: &mockfleet_config::Clock,
    fleet: &Fleet,
    workers: u32,
    start_at: Option<u64>,
) -> u64 {
    let start = clock.start.map(Timestamp::as_microsecond);
    if let Some(start) = start.and_then(|start| u64::try_from(start).ok()) {
        return start;
    }
    if let Some(start_at) = start_at.filter(|_| is_machine_time(clock)) {
        return start_at;
    }
    let lead = match is_machine_time(clock) {
        true => lead(CREATION.saturating_mul(device_count(fleet) / workers.max(1))),
        false => 0,
    };
    unix_now().saturating_add(lead)
}

/// Time that the creation of one device of a compiled language takes, with a reserve.
const CREATION: Duration = Duration::from_micros(20);

fn device_count(fleet: &Fleet) -> u32 {
    let counts = fleet.plan.groups.iter().map(|group| group.count);
    counts.fold(0, u32::saturating_add)
}

/// Returns one worker for each core, limited by the devices and by the shared connections.
fn worker_count(fleet: &Fleet, options: &RunOptions) -> u32 {
    let cores =
        std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
    let devices = device_count(fleet);
    let shared = fleet
        .plan
        .targets
        .iter()
        .filter_map(|target| match &target.protocol {
            Protocol::Mqtt(mqtt) => match mqtt.connections {
                Connections::Shared(n) => Some(n.get()),
                Connections::PerDevice => None,
            },
            Protocol::Http(_) => None,
        });
    let most = shared.min().unwrap_or(u32::MAX).min(devices).max(1);
    options.workers.unwrap_or(cores).clamp(1, most)
}

impl Prepared {
    /// Returns the number of created devices.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// Returns the identity of the run.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the number of threads that will call the devices.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers
    }

    /// Returns the name, the plugin's `name@version` and the plugin's SHA-256 of each group.
    pub fn plugins(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.groups.iter().map(|group| {
            let about = group.plugin.description();
            let plugin = format!("{}@{}", about.name, about.version);
            (&*group.name, plugin, group.plugin.digest())
        })
    }

    /// Starts the workers. They open the connections of the devices that are on at the start, and
    /// then start the clock of the run, together. Devices have been created for a start at a planned
    /// time. If it has passed, they are created again, for a later one.
    #[must_use]
    pub fn start(self) -> Running {
        let start_line = StartLine::new(self.start, self.workers);
        let log = self.log;
        let (threads, boards) = self
            .ready
            .into_iter()
            .map(|ready| ready.start(start_line.place(), log.appender()))
            .unzip();
        Running {
            identity: self.identity,
            devices: self.devices,
            workers: self.workers,
            duration: self.duration,
            start_line,
            log,
            threads,
            boards,
            stop: self.stop,
            stopped: OnceLock::new(),
            groups: self.groups,
            rate_changes: self.rate_changes,
            asked: self.start.clock,
            bounded_lag: self.bounded_lag,
            evaluator: self.evaluator,
        }
    }
}
