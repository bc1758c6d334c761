//! Starts the threads of a run.
//!
//! Each thread creates its devices at once, reports those that could not be created, and waits for
//! the start signal.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::group::device_group::Group;
use crate::group::thresholds::ThresholdCollector;
use crate::prepare::create_error::CreateError;
use crate::prepare::transport_spec::TransportSpec;
use crate::run::before_clock::BeforeClock;
use crate::run::start_line::StartPlace;
use crate::time::bounded_lag::{BoundedLag, VirtualTime};
use crate::time::clock::Micros;
use crate::time::late_watch::LateWatch;
use crate::time::rate_scale::{RateChanges, RateScale};
use crate::worker::calls::pending_calls::PendingCalls;
use crate::worker::devices::DeviceTable;
use crate::worker::fleet_source::FleetSource;
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::Recorder;
use crate::worker::schedule::Schedule;
use mockfleet_metrics::SharedCounters;
use mockfleet_plugin::Console;
use mockfleet_sendlog::Appender;

/// Size of a worker's stack: 1.5 MiB for a guest, and the rest for the host.
const STACK_BYTES: usize = 4 << 20;

/// The settings that all workers of a run share.
#[derive(Clone)]
pub(crate) struct WorkerConfig {
    pub(crate) groups: Arc<[Group]>,
    pub(crate) transports: Vec<TransportSpec>,
    pub(crate) console: Console,
    pub(crate) stop: watch::Receiver<bool>,
    /// Time at which guests see the run start, in microseconds since the Unix epoch.
    pub(crate) origin: u64,
    /// No tick is due from this time on.
    pub(crate) end: Micros,
    /// Rate changes of a run with a variable rate.
    pub(crate) rate_changes: Option<Arc<RateChanges>>,
    /// Positions of all workers at full speed.
    pub(crate) bounded_lag: Option<Arc<BoundedLag>>,
    /// Whether messages leave.
    pub(crate) sends: bool,
    /// Memory of messages on their way, in bytes.
    pub(crate) in_flight: u64,
    /// Collector of a run with checks.
    pub(crate) thresholds: Option<Arc<ThresholdCollector>>,
}

/// A thread that has created its devices and waits for the start.
pub(crate) struct ReadyWorker {
    pub(crate) thread: JoinHandle<()>,
    pub(crate) board: SharedCounters,
    gate: mpsc::Sender<StartSignal>,
}

/// The data that a worker starts with.
struct StartSignal {
    place: StartPlace,
    appender: Appender,
}

/// The result of creating devices.
#[derive(Default)]
pub(crate) struct Created {
    pub(crate) errors: Vec<CreateError>,
    /// Time of the slowest worker.
    pub(crate) took: Duration,
}

impl ReadyWorker {
    /// Sends the start signal to the worker.
    pub(crate) fn start(
        self,
        place: StartPlace,
        appender: Appender,
    ) -> (JoinHandle<()>, SharedCounters) {
        // The send fails if the thread has ended, which joining it reports.
        let _ = self.gate.send(StartSignal { place, appender });
        (self.thread, self.board)
    }
}

/// Starts the threads and waits until all devices are created or refused.
///
/// # Errors
/// Returns an error if the system provides no more threads.
pub(crate) fn start(
    config: &WorkerConfig,
    workers: u32,
) -> std::io::Result<(Vec<ReadyWorker>, Created)> {
    let (made, all_made) = mpsc::channel();
    let mut waiting = Vec::new();
    for worker in 0..workers {
        let (gate, go) = mpsc::channel();
        let board = SharedCounters::default();
        let (config, made, its_board) = (config.clone(), made.clone(), board.clone());
        let thread = std::thread::Builder::new()
            .name(format!("worker-{worker}"))
            .stack_size(STACK_BYTES)
            .spawn(move || work(&config, worker, workers, made, &go, its_board))?;
        waiting.push(ReadyWorker {
            thread,
            board,
            gate,
        });
    }
    drop(made);
    let mut all = Created::default();
    for created in all_made {
        all.errors.extend(created.errors);
        all.took = all.took.max(created.took);
    }
    Ok((waiting, all))
}

fn work(
    config: &WorkerConfig,
    worker: u32,
    workers: u32,
    made: mpsc::Sender<Created>,
    go: &mpsc::Receiver<StartSignal>,
    board: SharedCounters,
) {
    // Created first: dropping it releases the other workers, however this one ends.
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
    let began = Instant::now();
    let errors = devices.create_all(|at| config.origin.saturating_add(at));
    let took = began.elapsed();
    if made.send(Created { errors, took }).is_err() {
        return;
    }
    // `start` waits until every worker has dropped this end of the channel.
    drop(made);
    // The sender is dropped without a signal if another part of the fleet has a problem.
    let Ok(StartSignal { place, appender }) = go.recv() else {
        return;
    };
    let Some(io) = WorkerIo::open(
        &config.transports,
        worker,
        workers,
        config.in_flight,
        &board,
    ) else {
        return;
    };
    let rate_scale = RateScale::new(config.rate_changes.clone());
    let source = FleetSource {
        devices,
        schedule: Schedule::new(rate_scale, config.end, config.groups.len()),
        calls: PendingCalls::new(config.groups.len()),
        restarts: VecDeque::new(),
        is_held: false,
        faults: PendingFaults::default(),
        virtual_time: VirtualTime::new(worker_clock),
        planned_start: config.origin,
        // A virtual clock waits for connections itself.
        connects_first: config.sends && config.bounded_lag.is_none(),
    };
    let before = BeforeClock::new(io, place, config.stop.clone(), board);
    before.run(source, config.sends, |clock, counters| Recorder {
        appender,
        counters,
        clock,
        late: LateWatch::new(Instant::now()),
        thresholds: config.thresholds.clone(),
    });
}
