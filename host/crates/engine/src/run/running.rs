//! Watches, stops and finishes a run.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use crate::group::device_group::Group;
use crate::group::thresholds::ThresholdEvaluator;
use crate::run::finished::Finished;
use crate::run::start_line::StartLine;
use crate::time::bounded_lag::BoundedLag;
use crate::time::clock::{Micros, micros};
use crate::time::rate_scale::RateChanges;
use mockfleet_config::Speed;
use mockfleet_metrics::{
    ClockPosition, ClockProgress, ConnectProgress, Counters, SharedCounters, StageProgress,
};
use mockfleet_sendlog::{Identity, LogProgress, SendLog};

/// A run in progress.
pub struct Running {
    pub(crate) identity: Identity,
    pub(crate) devices: u64,
    pub(crate) workers: u32,
    pub(crate) duration: Option<Duration>,
    pub(crate) start_line: Arc<StartLine>,
    pub(crate) log: SendLog,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) boards: Vec<SharedCounters>,
    pub(crate) stop: watch::Sender<bool>,
    /// Run time of the stop request, if one was made.
    pub(crate) stopped: OnceLock<Micros>,
    pub(crate) groups: Arc<[Group]>,
    pub(crate) rate_changes: Option<Arc<RateChanges>>,
    /// Clock settings of the fleet file.
    pub(crate) asked: mockfleet_config::Clock,
    pub(crate) bounded_lag: Option<Arc<BoundedLag>>,
    pub(crate) evaluator: Option<ThresholdEvaluator>,
}

impl Running {
    /// Returns the identity of the run.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the number of threads that call the devices.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.workers
    }

    /// Returns the number of devices of the fleet.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// Returns the run time in which ticks are due, and `None` for a run without end.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Returns the real time since the start of the clock, zero before.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start_line.elapsed()
    }

    /// Returns the progress of the connections that are opened before the clock starts; `None` for
    /// a run that has none, and waits for no start.
    #[must_use]
    pub fn connect_progress(&self, counters: &Counters) -> Option<ConnectProgress> {
        let starts_at = self.start_line.awaited_start();
        let is_over = self.start_line.has_started();
        let waits = starts_at.is_some() && !is_over;
        (counters.first_connections > 0 || waits).then(|| ConnectProgress {
            connections: counters.first_connections,
            up: counters.first_up,
            took: self.start_line.connecting(),
            is_over,
            starts_at,
        })
    }

    /// Returns the counters of all workers, at most a fraction of a second old.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        self.boards.iter().for_each(|board| board.add_to(&mut sum));
        sum
    }

    /// Returns the progress of the log.
    #[must_use]
    pub fn log(&self) -> LogProgress {
        self.log.progress()
    }

    /// Returns the progress of the stages that groups are in.
    #[must_use]
    pub fn stages(&self, counters: &Counters) -> Vec<StageProgress> {
        let now = self.now();
        let groups = (0..).zip(self.groups.iter());
        groups
            .filter_map(|(number, group)| {
                let stage_counters = counters.groups.get(&number).cloned().unwrap_or_default();
                let mut stage = group.stage_now(now, &stage_counters)?;
                stage.asked *= self.speed();
                Some(stage)
            })
            .collect()
    }

    /// Returns the run time of the slowest worker, or of the run's clock.
    fn now(&self) -> Micros {
        match &self.bounded_lag {
            Some(bounded_lag) => {
                let end = self.duration.map_or(Micros::MAX, micros);
                bounded_lag.lower_bound().min(end)
            }
            None => self.start_line.clock().map_or(0, |clock| clock.now()),
        }
    }

    /// Returns the speed of the run's clock as a multiple of the machine's. Returns 0 at full
    /// speed, which has no configured rate.
    #[must_use]
    pub fn speed(&self) -> f64 {
        match self.asked.speed {
            Speed::Times(times) => times,
            Speed::Max => 0.0,
        }
    }

    /// Returns the position of the run's clock, if it is not the machine's and has started.
    #[must_use]
    pub fn clock(&self) -> Option<ClockPosition> {
        let clock = self.start_line.clock()?;
        if self.asked == mockfleet_config::Clock::default() {
            return None;
        }
        Some(ClockPosition {
            at: clock.utc(self.now()),
            passed: Duration::from_micros(self.now()),
            of: self.duration,
            max: self.bounded_lag.is_some(),
        })
    }

    /// Makes every schedule `factor` times faster than in the fleet file from now on. Does
    /// nothing unless `RunOptions::variable_rate` is set.
    pub fn set_rate_factor(&self, factor: f64) {
        if let Some(rate_changes) = &self.rate_changes {
            rate_changes.change(self.now(), factor);
        }
    }

    /// Requests the end: no new ticks, a few seconds for open messages, then the workers end.
    pub fn stop(&self) {
        let _ = self.stopped.set(self.now());
        self.stop.send_replace(true);
    }

    /// Returns whether all workers have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the workers and closes the log. Calls `wait` while the log closes.
    pub fn finish(mut self, wait: impl FnMut(&LogProgress)) -> Finished {
        let threads = std::mem::take(&mut self.threads);
        let lost_workers = threads
            .into_iter()
            .map(JoinHandle::join)
            .filter(Result::is_err)
            .count();
        let ran = self.start_line.elapsed();
        let over = self.now();
        let counters = self.counters();
        // No tick was due after the stop request.
        let stopped = self.stopped.get().copied().unwrap_or(Micros::MAX);
        let end = self.duration.map_or(Micros::MAX, micros).min(stopped);
        let groups = (0..).zip(self.groups.iter());
        let stages = groups
            .flat_map(|(number, group)| {
                let stage_counters = counters.groups.get(&number).cloned().unwrap_or_default();
                group.stages_done(end.min(over), &stage_counters)
            })
            .collect();
        let checks = self.evaluator.as_ref().map_or_else(Vec::new, |evaluator| {
            evaluator
                .thresholds
                .evaluate(&evaluator.checks, &counters, end.min(over))
        });
        let flat_out = self.groups.iter().all(|group| group.schedule.is_flat_out());
        // A run that is stopped before its clock starts switches no device on.
        let is_over = counters.born > 0 || self.stopped.get().is_none();
        let connect = self.connect_progress(&counters);
        let connect = connect.map(|connect| ConnectProgress { is_over, ..connect });
        let clock = self.start_line.clock();
        let clock = clock.filter(|_| self.asked != mockfleet_config::Clock::default());
        let passed = clock.map(|clock| ClockProgress {
            from: clock.utc(0),
            length: Duration::from_micros(end.min(over)),
            max: self.bounded_lag.is_some(),
        });
        let log = self.log.close(wait);
        Finished {
            identity: self.identity,
            devices: self.devices,
            workers: self.workers,
            counters,
            connect,
            took: self.start_line.elapsed(),
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
