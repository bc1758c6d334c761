//! The threads of a run. Each makes its devices as soon as it is there, says which
//! could not be made, and waits for the start.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;

use super::checks::Gauge;
use super::clock::{Clock, Micros};
use super::convoy::Convoy;
use super::crew::{Crew, Refusal};
use super::group::Group;
use super::prepare::Line;
use super::record::Record;
use super::tempo::{Score, Tempo};
use super::worker::{Shared, Worker};
use mockfleet_metrics::{Board, Counters};
use mockfleet_plugin::Console;
use mockfleet_sendlog::Appender;
use mockfleet_transport::{EventInbox, HttpTransport, MqttTransport, NullTransport, Transport};

/// What all workers of a run are given.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) groups: Arc<[Group]>,
    pub(super) lines: Vec<Line>,
    pub(super) console: Console,
    pub(super) stop: watch::Receiver<bool>,
    /// What guests are told the start of the run is.
    pub(super) origin: u64,
    /// No tick is due from here on.
    pub(super) end: Micros,
    /// Where changes of the tempo are written, if there are to be any.
    pub(super) score: Option<Arc<Score>>,
    /// Where workers are, if their clocks go as fast as they can.
    pub(super) convoy: Option<Arc<Convoy>>,
    /// Whether messages leave.
    pub(super) sends: bool,
    /// What counts for which checks, if there are some.
    pub(super) gauge: Option<Arc<Gauge>>,
}

/// A thread that has made its devices and waits for the start.
pub(super) struct Waiting {
    pub(super) thread: JoinHandle<()>,
    pub(super) board: Board,
    gate: mpsc::Sender<Go>,
}

/// What a worker needs to begin.
struct Go {
    clock: Clock,
    appender: Appender,
}

impl Waiting {
    /// Lets the worker begin.
    pub(super) fn go(self, clock: Clock, appender: Appender) -> (JoinHandle<()>, Board) {
        // A thread that is gone shows when it is joined.
        let _ = self.gate.send(Go { clock, appender });
        (self.thread, self.board)
    }
}

/// Starts the threads and waits until all devices are made or refused.
///
/// # Errors
/// When the system gives no more threads.
pub(super) fn start(
    common: &Common,
    workers: u32,
) -> std::io::Result<(Vec<Waiting>, Vec<Refusal>)> {
    let (made, all_made) = mpsc::channel();
    let mut waiting = Vec::new();
    for worker in 0..workers {
        let (gate, go) = mpsc::channel();
        let board = Board::default();
        let (common, made, its_board) = (common.clone(), made.clone(), board.clone());
        let thread = std::thread::Builder::new()
            .name(format!("worker-{worker}"))
            .spawn(move || work(&common, worker, workers, made, &go, its_board))?;
        waiting.push(Waiting {
            thread,
            board,
            gate,
        });
    }
    drop(made);
    Ok((waiting, all_made.into_iter().flatten().collect()))
}

fn work(
    common: &Common,
    worker: u32,
    workers: u32,
    made: mpsc::Sender<Vec<Refusal>>,
    go: &mpsc::Receiver<Go>,
    board: Board,
) {
    // From here on: a worker that comes to nothing holds up nobody.
    let place = common.convoy.as_ref().map(|convoy| convoy.place(worker));
    let mut crew = Crew::new(
        Arc::clone(&common.groups),
        common.console.clone(),
        worker,
        workers,
    );
    let refusals = crew.make(|at| common.origin.saturating_add(at));
    if made.send(refusals).is_err() {
        return;
    }
    // Whoever waits for all workers waits for this end of the channel to be gone.
    drop(made);
    // No start: something was wrong elsewhere.
    let Ok(Go { clock, appender }) = go.recv() else {
        return;
    };
    let inbox = EventInbox::default();
    let opened = inside(&common.lines, worker, workers, &inbox, &board);
    let Some((runtime, lines)) = opened else {
        return;
    };
    let record = Record {
        appender,
        counters: Counters::default(),
        clock,
        gauge: common.gauge.clone(),
    };
    let shared = Shared {
        board,
        stop: common.stop.clone(),
        end: common.end,
        tempo: Tempo::new(common.score.clone()),
        place,
        sends: common.sends,
    };
    Worker::new(shared, crew, lines, inbox, runtime, record).run();
}

/// A worker's end of a target.
/// A worker's runtime, and its end of each of these targets; where there can be none, the
/// board says why.
pub(super) fn inside(
    lines: &[Line],
    worker: u32,
    workers: u32,
    inbox: &EventInbox,
    board: &Board,
) -> Option<(LocalRuntime, Vec<Box<dyn Transport>>)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        // As many tasks as one batch of ticks may have woken: I/O gets its turn
        // between batches, and then all of it.
        .event_interval(1024)
        .build_local(LocalOptions::default());
    let opened = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            let inside = runtime.enter();
            let lines: Result<Vec<_>, String> = lines
                .iter()
                .map(|line| open(line, worker, workers, inbox))
                .collect();
            drop(inside);
            Ok((runtime, lines?))
        });
    opened
        .map_err(|error| {
            let mut counters = Counters::default();
            let text = format!("a worker could not start: {error}");
            counters.notices.count(&text);
            board.publish(&counters);
        })
        .ok()
}

fn open(
    line: &Line,
    worker: u32,
    workers: u32,
    inbox: &EventInbox,
) -> Result<Box<dyn Transport>, String> {
    Ok(match line {
        Line::Nowhere => Box::new(NullTransport::new(inbox.clone())),
        Line::Broker(broker) => {
            Box::new(MqttTransport::new(broker, worker, workers, inbox.clone()))
        }
        Line::Server(server) => {
            let server =
                HttpTransport::new(server, inbox.clone()).map_err(|error| error.to_string())?;
            Box::new(server)
        }
    })
}
