//! Bringing plugins, transports and the send log together: a fleet is prepared,
//! started, watched and finished.
//!
//! The main path is in [`worker`]: what is due is called, what comes back is
//! addressed and handed on. [`schedule`] says when, [`crew`] holds the devices,
//! `report` and `supervise` are what follows. [`rehearse`] runs some of the devices on a
//! virtual clock, and sends nothing.

mod book;
mod checks;
mod clock;
mod convoy;
mod crew;
mod data;
mod ending;
mod faults;
mod files;
mod group;
mod outlet;
mod packing;
mod prepare;
mod record;
mod rehearse;
pub mod replay;
mod report;
mod rush;
mod sample;
mod scene;
mod schedule;
mod search;
mod seed;
mod settings;
mod stages;
mod supervise;
mod tempo;
mod threads;
mod wave;
mod worker;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use self::rehearse::{BEATS, Rehearsal, Rehearsed, Rehearsing, Span, rehearse};
pub use self::sample::Sample;

use tokio::sync::watch;

pub use search::{Act, Bound, Pacer, Search};

use self::checks::Gauge;
use self::clock::{Clock, Micros, micros};
use self::convoy::Convoy;
use self::group::Group;
use self::tempo::Score;
use self::threads::{Common, Waiting};
use mockfleet_config::{Connections, Fleet, Problems, Protocol, Speed};
use mockfleet_metrics::{
    CheckResult, ClockPosition, ClockProgress, Counters, SharedCounters, StageProgress, StageResult,
};
use mockfleet_plugin::{Console, Engine};
use mockfleet_sendlog::{Identity, LogProgress, LogSummary, SendLog};
use mockfleet_transport::RunNames;

pub use self::prepare::{components, first_devices, refused_line};
pub use self::seed::device as device_seed;
pub use self::settings::{Schema, findings};

/// How a fleet is run.
#[derive(Clone)]
pub struct Settings {
    /// Threads that call devices; by default one a core.
    pub workers: Option<u32>,
    /// Takes what guests print.
    pub console: Console,
    /// Whether [`Running::hurry`] will change how fast schedules go. Such a run goes on
    /// until it is stopped.
    pub changing: bool,
    /// Whether messages leave. If not, they become rows and nothing is opened to any
    /// target.
    pub sends: bool,
}

/// A fleet whose devices are made and whose settings have all been accepted.
pub struct Prepared {
    identity: Identity,
    devices: u64,
    workers: u32,
    duration: Option<Duration>,
    origin: u64,
    log: SendLog,
    waiting: Vec<Waiting>,
    stop: watch::Sender<bool>,
    groups: Arc<[Group]>,
    score: Option<Arc<Score>>,
    clock: mockfleet_config::Clock,
    convoy: Option<Arc<Convoy>>,
    judge: Option<Judge>,
}

/// What the checks of a run are judged by.
struct Judge {
    gauge: Arc<Gauge>,
    checks: mockfleet_config::Checks,
}

/// Prepares a fleet: everything is checked, every device is made, nothing is sent.
///
/// # Errors
/// All that is wrong with the fleet.
pub fn prepare(fleet: &Fleet, engine: &Engine, settings: &Settings) -> Result<Prepared, Problems> {
    let mut problems = Problems::default();
    let identity = Identity::new();
    let names = RunNames {
        fleet: fleet.plan.name.as_str().into(),
        run: identity.run.as_str().into(),
    };
    let groups = prepare::groups(fleet, engine, &settings.console, &mut problems);
    let lines = match settings.sends {
        true => prepare::lines(fleet, &names, &mut problems),
        false => prepare::nowhere(fleet),
    };
    if settings.sends {
        prepare::files(fleet, &mut problems);
    }
    prepare::clock(fleet, &mut problems);
    if settings.changing {
        prepare::changing(fleet, &mut problems);
    }
    let directory = prepare::directory(&fleet.plan, &groups);
    let log = SendLog::open(&fleet.plan.log, identity.clone(), directory)
        .map_err(|error| {
            problems.push(prepare::problem(
                fleet,
                &["log", "store"],
                error.to_string(),
            ))
        })
        .ok();
    let (stop, stopped) = watch::channel(false);
    let duration = fleet.plan.duration.filter(|_| !settings.changing);
    let workers = worker_count(fleet, settings);
    let clock = fleet.plan.clock;
    let convoy = (clock.speed == Speed::Max).then(|| Convoy::new(workers, settings.sends));
    let common = Common {
        groups: groups.into(),
        lines,
        console: settings.console.clone(),
        stop: stopped,
        origin: origin(&clock),
        end: duration.map_or(Micros::MAX, micros),
        score: settings.changing.then(Arc::default),
        convoy: convoy.clone(),
        sends: settings.sends,
        // A search changes the rate, and what was asked of the fleet's own is not asked of
        // it; nor of a run that sends nothing.
        gauge: Gauge::of(&fleet.plan).filter(|_| settings.sends && !settings.changing),
    };
    let mut waiting = Vec::new();
    match threads::start(&common, workers) {
        Ok((ready, refusals)) => {
            waiting = ready;
            prepare::refusals(fleet, &common.groups, refusals, &mut problems);
        }
        Err(error) => {
            let text = format!("no thread for a worker: {error}; try fewer with --workers");
            problems.push(prepare::problem(fleet, &["groups"], text));
        }
    }
    match log.filter(|_| problems.is_empty()) {
        Some(log) => Ok(Prepared {
            identity,
            devices: common
                .groups
                .iter()
                .map(|group| u64::from(group.count))
                .sum(),
            workers,
            duration,
            origin: common.origin,
            log,
            waiting,
            stop,
            groups: common.groups,
            score: common.score,
            clock,
            convoy,
            judge: common.gauge.map(|gauge| Judge {
                gauge,
                checks: fleet.plan.checks.clone(),
            }),
        }),
        None => Err(problems),
    }
}

/// What guests are told the start of the run is: what the fleet file says, or now.
fn origin(clock: &mockfleet_config::Clock) -> u64 {
    let start = clock.start.map(jiff::Timestamp::as_microsecond);
    start
        .and_then(|start| u64::try_from(start).ok())
        .unwrap_or_else(clock::unix_now)
}

/// One worker a core, but no more than there are devices or shared connections.
fn worker_count(fleet: &Fleet, settings: &Settings) -> u32 {
    let cores =
        std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
    let devices = fleet
        .plan
        .groups
        .iter()
        .map(|group| group.count)
        .fold(0, u32::saturating_add);
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
    settings.workers.unwrap_or(cores).clamp(1, most)
}

impl Prepared {
    /// How many devices were made.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// Which run it will be.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Threads that will call its devices.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers
    }

    /// Of each group: its name, `name@version` of its plugin, and the plugin's SHA-256.
    pub fn plugins(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.groups.iter().map(|group| {
            let about = group.plugin.description();
            let plugin = format!("{}@{}", about.name, about.version);
            (&*group.name, plugin, group.plugin.digest())
        })
    }

    /// Lets the workers begin.
    #[must_use]
    pub fn start(self) -> Running {
        let clock = Clock::start(self.origin, &self.clock);
        let log = self.log;
        let (threads, boards) = self
            .waiting
            .into_iter()
            .map(|waiting| waiting.go(clock, log.appender()))
            .unzip();
        Running {
            identity: self.identity,
            devices: self.devices,
            workers: self.workers,
            duration: self.duration,
            started: Instant::now(),
            clock,
            log,
            threads,
            boards,
            stop: self.stop,
            stopped: OnceLock::new(),
            groups: self.groups,
            score: self.score,
            asked: self.clock,
            convoy: self.convoy,
            judge: self.judge,
        }
    }
}

/// A run under way.
pub struct Running {
    identity: Identity,
    devices: u64,
    workers: u32,
    duration: Option<Duration>,
    started: Instant,
    clock: Clock,
    log: SendLog,
    threads: Vec<JoinHandle<()>>,
    boards: Vec<SharedCounters>,
    stop: watch::Sender<bool>,
    /// When it was asked to stop, if it was.
    stopped: OnceLock<Micros>,
    groups: Arc<[Group]>,
    score: Option<Arc<Score>>,
    /// As the fleet file has it.
    asked: mockfleet_config::Clock,
    convoy: Option<Arc<Convoy>>,
    judge: Option<Judge>,
}

/// The end of a run.
#[derive(Debug)]
pub struct Finished {
    /// Which run it was.
    pub identity: Identity,
    /// Devices of the fleet.
    pub devices: u64,
    /// Threads that called them.
    pub workers: u32,
    /// What was counted.
    pub counters: Counters,
    /// From start to the last row.
    pub took: Duration,
    /// From start to the end of the last worker.
    pub ran: Duration,
    /// What time of the fleet passed, where that is not the machine's.
    pub passed: Option<ClockProgress>,
    /// Whether no device has a schedule: all are called as fast as their outbox empties.
    pub flat_out: bool,
    /// What came of the stages of groups.
    pub stages: Vec<StageResult>,
    /// What was to hold, and whether it did.
    pub checks: Vec<CheckResult>,
    /// What the log holds, or why it is not whole.
    pub log: LogSummary,
    /// Workers that ended in a panic: a bug of mockfleet, with rows lost.
    pub lost_workers: usize,
}

impl Running {
    /// Which run it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Threads that call its devices.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers
    }

    /// Devices of the fleet.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// How long ticks are due on the run's own clock, if not without end.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The counts of all workers, at most a fraction of a second old.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.boards.iter().for_each(|board| board.add_to(&mut sum));
        sum
    }

    /// How far the log is.
    #[must_use]
    pub fn log(&self) -> LogProgress {
        self.log.progress()
    }

    /// The stages that groups are in.
    #[must_use]
    pub fn stages(&self, counters: &Counters) -> Vec<StageProgress> {
        let now = self.now();
        let groups = (0..).zip(self.groups.iter());
        groups
            .filter_map(|(number, group)| {
                let book = counters.groups.get(&number).cloned().unwrap_or_default();
                let mut stage = group.stage_now(now, &book)?;
                stage.asked *= self.speed();
                Some(stage)
            })
            .collect()
    }

    /// How far the run is on its own clock.
    fn now(&self) -> Micros {
        match &self.convoy {
            Some(convoy) => {
                let end = self.duration.map_or(Micros::MAX, micros);
                convoy.reached().min(end)
            }
            None => self.clock.now(),
        }
    }

    /// How many times faster than the machine's clock that of the run goes; 0 where it
    /// goes as fast as it can, and asks for no rate.
    #[must_use]
    pub fn speed(&self) -> f64 {
        match self.asked.speed {
            Speed::Times(times) => times,
            Speed::Max => 0.0,
        }
    }

    /// How far the run's own clock is, if that is not the machine's.
    #[must_use]
    pub fn clock(&self) -> Option<ClockPosition> {
        if self.asked == mockfleet_config::Clock::default() {
            return None;
        }
        Some(ClockPosition {
            at: self.clock.utc(self.now()),
            passed: Duration::from_micros(self.now()),
            of: self.duration,
            max: self.convoy.is_some(),
        })
    }

    /// From now on, every device's schedule goes by this many times faster than its
    /// fleet file says. Only where the settings said that it may.
    pub fn hurry(&self, factor: f64) {
        if let Some(score) = &self.score {
            score.change(self.now(), factor);
        }
    }

    /// No new ticks; open messages get a few seconds, then the workers end.
    pub fn stop(&self) {
        let _ = self.stopped.set(self.now());
        self.stop.send_replace(true);
    }

    /// Whether all workers have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the workers and closes the log; `wait` is called while it closes.
    pub fn finish(mut self, wait: impl FnMut(&LogProgress)) -> Finished {
        let threads = std::mem::take(&mut self.threads);
        let lost_workers = threads
            .into_iter()
            .map(JoinHandle::join)
            .filter(Result::is_err)
            .count();
        let ran = Duration::from_micros(self.clock.took());
        let over = self.now();
        let counters = self.counters();
        // Where it was stopped, no tick was due from then on.
        let stopped = self.stopped.get().copied().unwrap_or(Micros::MAX);
        let end = self.duration.map_or(Micros::MAX, micros).min(stopped);
        let groups = (0..).zip(self.groups.iter());
        let stages = groups
            .flat_map(|(number, group)| {
                let book = counters.groups.get(&number).cloned().unwrap_or_default();
                group.stages_done(end.min(over), &book)
            })
            .collect();
        let checks = self.judge.as_ref().map_or_else(Vec::new, |judge| {
            judge.gauge.judge(&judge.checks, &counters, end.min(over))
        });
        let flat_out = self.groups.iter().all(|group| group.beat.is_flat_out());
        let passed = (self.asked != mockfleet_config::Clock::default()).then(|| ClockProgress {
            from: self.clock.utc(0),
            length: Duration::from_micros(end.min(over)),
            max: self.convoy.is_some(),
        });
        let log = self.log.close(wait);
        Finished {
            identity: self.identity,
            devices: self.devices,
            workers: self.workers,
            counters,
            took: self.started.elapsed(),
            ran,
            passed,
            flat_out,
            stages,
            checks,
            log,
            lost_workers,
        }
    }
}
