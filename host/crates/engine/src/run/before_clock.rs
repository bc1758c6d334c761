//! Opens the connections of the start, and waits for the clock.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::run::start_line::StartPlace;
use crate::time::clock::Clock;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::Recorder;
use crate::worker::worker_loop::{Source, WorkerContext, WorkerLoop};
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_transport::TransportEvent;

/// Time between two looks at the progress of connections.
const POLL: Duration = Duration::from_millis(10);

/// Time between two publications of the counters.
const PUBLISH: Duration = Duration::from_millis(200);

/// Last part of the wait for the clock, in which the thread sleeps: the timers of connections
/// have a resolution of 1 ms.
const EXACT_WAIT: Duration = Duration::from_millis(2);

/// The parts of a worker before the clock of its run starts.
pub(crate) struct BeforeClock {
    pub(crate) io: WorkerIo,
    pub(crate) place: StartPlace,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) board: SharedCounters,
    counters: Counters,
    /// Events of connections, which are handled when their devices are on.
    events: Vec<TransportEvent>,
    published: Instant,
    polled: Instant,
}

impl BeforeClock {
    pub(crate) fn new(
        io: WorkerIo,
        place: StartPlace,
        stop: watch::Receiver<bool>,
        board: SharedCounters,
    ) -> Self {
        let now = Instant::now();
        Self {
            io,
            place,
            stop,
            board,
            counters: Counters::default(),
            events: Vec::new(),
            published: now,
            polled: now,
        }
    }

    /// Opens the connections of the start, starts the clock together with the other workers, and
    /// runs the source. A run that is stopped before its clock starts calls no device.
    pub(crate) fn run<S: Source>(
        mut self,
        mut source: S,
        sends: bool,
        record: impl FnOnce(Clock, Counters) -> Recorder,
    ) {
        source.connect(&mut self.io);
        let Some(clock) = self.open_connections() else {
            return;
        };
        let mut notices = Vec::new();
        if !self.is_stopped() {
            notices = source.set_clock(&clock, &mut || self.keep_alive());
            self.wait_until(clock.started());
        }
        let starts = !self.is_stopped();
        let mut record = record(clock, self.counters);
        for text in notices {
            record.notice(&text);
        }
        let cx = WorkerContext::new(record, self.io, sends);
        let worker = WorkerLoop::new(source, cx, self.board, self.stop);
        match starts {
            true => worker.run(self.events),
            false => worker.end(),
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until each connection is up or is not awaited any more, here and on the other
    /// workers.
    fn open_connections(&mut self) -> Option<Clock> {
        while !self.is_opened() && !self.is_stopped() {
            self.poll(POLL);
        }
        self.place.report();
        while self.place.clock().is_none() {
            self.poll(POLL);
        }
        self.publish();
        self.place.clock()
    }

    fn is_opened(&self) -> bool {
        let mut transports = self.io.transports.iter();
        transports.all(|transport| transport.opening_progress().is_over)
    }

    /// Waits until an instant, or until the run is stopped.
    fn wait_until(&mut self, moment: Instant) {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left <= EXACT_WAIT {
                return std::thread::sleep(left);
            }
            if self.is_stopped() {
                return;
            }
            self.poll((left - EXACT_WAIT).min(PUBLISH));
        }
    }

    /// Gives the connections their time while devices are created.
    fn keep_alive(&mut self) {
        if self.polled.elapsed() >= POLL {
            self.poll(Duration::ZERO);
        }
    }

    /// Runs the connections until something happens, or this time is over.
    fn poll(&mut self, limit: Duration) {
        let Self {
            io, place, stop, ..
        } = self;
        let WorkerIo {
            runtime,
            transports,
            inbox,
            ..
        } = io;
        let is_known = place.clock().is_some();
        let is_stopped = *stop.borrow();
        runtime.block_on(async {
            for transport in transports {
                transport.flush();
            }
            if limit == Duration::ZERO {
                return tokio::task::yield_now().await;
            }
            tokio::select! {
                biased;
                () = inbox.arrived() => {}
                _ = stop.changed(), if !is_stopped => {}
                () = place.all_reported(), if !is_known => {}
                () = tokio::time::sleep(limit) => {}
            }
        });
        let mut events = Vec::new();
        inbox.take(&mut events);
        for event in events {
            match event {
                TransportEvent::Warning { kind, text, times } => {
                    self.counters.warnings.count_many(&kind, times, || text);
                }
                event => self.events.push(event),
            }
        }
        self.polled = Instant::now();
        if self.published.elapsed() >= PUBLISH {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.published = Instant::now();
        let progress = self.io.transports.iter();
        let progress: Vec<_> = progress
            .map(|transport| transport.opening_progress())
            .collect();
        let sum = |count: fn(&_) -> u32| progress.iter().map(count).map(u64::from).sum();
        self.counters.first_connections = sum(|progress| progress.connections);
        self.counters.first_up = sum(|progress| progress.up);
        self.board.publish(&self.counters);
    }
}
