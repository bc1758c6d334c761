//! Bringing plugins, transports and the send log together: a fleet is prepared,
//! started, watched and finished.
//!
//! The main path is in [`worker`]: what is due is called, what comes back is
//! addressed and handed on. [`schedule`] says when, [`crew`] holds the devices,
//! `report` and `supervise` are what follows.

mod clock;
mod crew;
mod data;
mod files;
mod group;
mod prepare;
mod record;
mod report;
mod schedule;
mod seed;
mod settings;
mod supervise;
mod threads;
mod worker;

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use self::clock::{Clock, Micros, micros};
use self::threads::{Common, Waiting};
use crate::fleet::{Connections, Fleet, Problems, Protocol};
use crate::plugin::{Console, Engine};
use crate::sendlog::{Closed, Identity, LogError, Progress, SendLog};
use crate::status::{Board, Counters};
use crate::transport::RunNames;

pub(crate) use self::prepare::{first_device, refused_line};
pub(crate) use self::settings::findings;

/// How a fleet is run.
#[derive(Clone)]
pub struct Settings {
    /// Threads that call devices; by default one a core.
    pub workers: Option<u32>,
    /// Takes what guests print.
    pub console: Console,
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
    let lines = prepare::lines(fleet, &names, &mut problems);
    prepare::files(fleet, &mut problems);
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
    let common = Common {
        groups: groups.into(),
        lines,
        console: settings.console.clone(),
        stop: stopped,
        origin: clock::unix_now(),
        end: fleet.plan.duration.map_or(Micros::MAX, micros),
    };
    let workers = worker_count(fleet, settings);
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
            duration: fleet.plan.duration,
            origin: common.origin,
            log,
            waiting,
            stop,
        }),
        None => Err(problems),
    }
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

    /// Lets the workers begin.
    #[must_use]
    pub fn start(self) -> Running {
        let clock = Clock::start(self.origin);
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
            log,
            threads,
            boards,
            stop: self.stop,
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
    log: SendLog,
    threads: Vec<JoinHandle<()>>,
    boards: Vec<Board>,
    stop: watch::Sender<bool>,
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
    /// What the log holds, or why it is not whole.
    pub log: Result<Closed, LogError>,
    /// Workers that ended in a panic: a bug of mockfleet, with rows lost.
    pub lost_workers: usize,
}

impl Running {
    /// Which run it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Devices of the fleet.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// How long ticks are due, if not without end.
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
    pub fn log(&self) -> Progress {
        self.log.progress()
    }

    /// No new ticks; open messages get a few seconds, then the workers end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether all workers have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the workers and closes the log; `wait` is called while it closes.
    pub fn finish(mut self, wait: impl FnMut(&Progress)) -> Finished {
        let threads = std::mem::take(&mut self.threads);
        let lost_workers = threads
            .into_iter()
            .map(JoinHandle::join)
            .filter(Result::is_err)
            .count();
        let counters = self.counters();
        let log = self.log.close(wait);
        Finished {
            identity: self.identity,
            devices: self.devices,
            workers: self.workers,
            counters,
            took: self.started.elapsed(),
            log,
            lost_workers,
        }
    }
}
