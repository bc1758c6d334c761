//! Starts the threads of a run.
//!
//! Each thread creates its devices at once, reports those that could not be created, and waits for
//! the start signal.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use crate::group::device_group::Group;
use crate::group::thresholds::ThresholdCollector;
use crate::prepare::create_error::CreateError;
use crate::prepare::transport_spec::TransportSpec;
use crate::time::bounded_lag::BoundedLag;
use crate::time::clock::{Clock, Micros};
use crate::time::rate_scale::{RateChanges, RateScale};
use crate::worker::devices::DeviceTable;
use crate::worker::fleet_source::FleetSource;
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::Recorder;
use crate::worker::schedule::Schedule;
use crate::worker::virtual_time::VirtualTime;
use crate::worker::worker_loop::{WorkerContext, WorkerLoop};
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_plugin::Console;
use mockfleet_sendlog::Appender;

/// What all workers of a run are given.
#[derive(Clone)]
pub(crate) struct WorkerConfig {
    pub(crate) groups: Arc<[Group]>,
    pub(crate) transports: Vec<TransportSpec>,
    pub(crate) console: Console,
    pub(crate) stop: watch::Receiver<bool>,
    /// What guests are told the start of the run is.
    pub(crate) origin: u64,
    /// No tick is due from here on.
    pub(crate) end: Micros,
    /// Where changes of the tempo are written, if there are to be any.
    pub(crate) rate_changes: Option<Arc<RateChanges>>,
    /// Where workers are, if their clocks go as fast as they can.
    pub(crate) bounded_lag: Option<Arc<BoundedLag>>,
    /// Whether messages leave.
    pub(crate) sends: bool,
    /// What counts for which checks, if there are some.
    pub(crate) thresholds: Option<Arc<ThresholdCollector>>,
}

/// A thread that has made its devices and waits for the start.
pub(crate) struct ReadyWorker {
    pub(crate) thread: JoinHandle<()>,
    pub(crate) board: SharedCounters,
    gate: mpsc::Sender<StartSignal>,
}

/// What a worker needs to begin.
struct StartSignal {
    clock: Clock,
    appender: Appender,
}

impl ReadyWorker {
    /// Lets the worker begin.
    pub(crate) fn start(
        self,
        clock: Clock,
        appender: Appender,
    ) -> (JoinHandle<()>, SharedCounters) {
        // A thread that is gone shows when it is joined.
        let _ = self.gate.send(StartSignal { clock, appender });
        (self.thread, self.board)
    }
}

/// Starts the threads and waits until all devices are made or refused.
///
/// # Errors
/// When the system gives no more threads.
pub(crate) fn start(
    config: &WorkerConfig,
    workers: u32,
) -> std::io::Result<(Vec<ReadyWorker>, Vec<CreateError>)> {
    let (made, all_made) = mpsc::channel();
    let mut waiting = Vec::new();
    for worker in 0..workers {
        let (gate, go) = mpsc::channel();
        let board = SharedCounters::default();
        let (config, made, its_board) = (config.clone(), made.clone(), board.clone());
        let thread = std::thread::Builder::new()
            .name(format!("worker-{worker}"))
            .spawn(move || work(&config, worker, workers, made, &go, its_board))?;
        waiting.push(ReadyWorker {
            thread,
            board,
            gate,
        });
    }
    drop(made);
    Ok((waiting, all_made.into_iter().flatten().collect()))
}

fn work(
    config: &WorkerConfig,
    worker: u32,
    workers: u32,
    made: mpsc::Sender<Vec<CreateError>>,
    go: &mpsc::Receiver<StartSignal>,
    board: SharedCounters,
) {
    // From here on: a worker that comes to nothing holds up nobody.
    let worker_clock = config
        .bounded_lag
        .as_ref()
        .map(|bounded_lag| bounded_lag.worker_clock(worker));
    let mut devices = DeviceTable::new(
        Arc::clone(&config.groups),
        config.console.clone(),
        worker,
        workers,
    );
    let create_errors = devices.create_all(|at| config.origin.saturating_add(at));
    if made.send(create_errors).is_err() {
        return;
    }
    // Whoever waits for all workers waits for this end of the channel to be gone.
    drop(made);
    // No start: something was wrong elsewhere.
    let Ok(StartSignal { clock, appender }) = go.recv() else {
        return;
    };
    let Some(io) = WorkerIo::open(&config.transports, worker, workers, &board) else {
        return;
    };
    let record = Recorder {
        appender,
        counters: Counters::default(),
        clock,
        thresholds: config.thresholds.clone(),
    };
    let rate_scale = RateScale::new(config.rate_changes.clone());
    let source = FleetSource {
        devices,
        schedule: Schedule::new(rate_scale, config.end),
        faults: PendingFaults::default(),
        virtual_time: VirtualTime::new(worker_clock),
    };
    let cx = WorkerContext::new(record, io, config.sends);
    WorkerLoop::new(source, cx, board, config.stop.clone()).run();
}
