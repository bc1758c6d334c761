//! Repeats the rounds of one worker, for runs and for replays.
//!
//! A [`Source`] decides which messages are due. In each round the loop handles transport events,
//! lets the source work, flushes the log, publishes the counters, and gives I/O its time.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::time::clock::{Clock, Micros, micros};
use crate::time::late_watch::WorkMark;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::Recorder;
use mockfleet_metrics::SharedCounters;
use mockfleet_transport::TransportEvent;

/// Time that a source works before I/O gets its time. It is long enough to carry the cost of one
/// turn of the I/O loop (tens of microseconds), and too short to show in the delay of a device.
pub(crate) const BATCH: Duration = Duration::from_millis(1);

/// Time between two publications of the counters.
const PUBLISH: Duration = Duration::from_millis(200);

/// Time that open messages have to complete after the last call of a device.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Time between two tries of a worker whose log takes no more rows.
const LOG_FULL_POLL: Duration = Duration::from_millis(5);

/// The phase of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The source works.
    Running,
    /// The source has stopped; open messages complete until this moment.
    Draining {
        /// The moment at which the worker closes, complete or not.
        until: Instant,
    },
    /// All messages are complete, or their time is over.
    Closed,
}

/// The parts of a worker that a source uses: rows and counters, connections, and the phase.
pub(crate) struct WorkerContext {
    pub(crate) record: Recorder,
    pub(crate) io: WorkerIo,
    pub(crate) phase: Phase,
    /// False in a run that only writes the log.
    pub(crate) sends: bool,
    /// Whether the clock has started. Before that, no device is on to receive events.
    is_started: bool,
    /// Buffer for the events of one round.
    events: Vec<TransportEvent>,
}

impl WorkerContext {
    pub(crate) fn new(record: Recorder, io: WorkerIo, sends: bool) -> Self {
        Self {
            record,
            io,
            phase: Phase::Running,
            sends,
            is_started: false,
            events: Vec::new(),
        }
    }

    /// Returns whether the log takes no more rows for now.
    #[inline]
    pub(crate) fn log_is_full(&self) -> bool {
        self.record.appender.is_full() || self.io.inbox.budget().log_is_full()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Returns the time of the run, in microseconds since its start.
    pub(crate) fn now(&self) -> Micros {
        self.record.clock.now()
    }
}

/// The devices of a fleet, or a recording.
pub(crate) trait Source {
    /// Adds the devices to the transports that are on at the start, before the clock starts. Their
    /// connections are opened.
    fn connect(&mut self, io: &mut WorkerIo);

    /// Adapts the devices to the clock. It calls `rest` often, so that connections stay alive.
    /// Returns warnings.
    fn set_clock(&mut self, clock: &Clock, rest: &mut dyn FnMut()) -> Vec<String>;

    /// Switches devices on, or schedules that, before the first round.
    fn start(&mut self, cx: &mut WorkerContext);

    /// Does all due work, for about one [`BATCH`]. It is called in every phase.
    fn run_due(&mut self, cx: &mut WorkerContext);

    /// Handles one transport event.
    fn handle_event(&mut self, cx: &mut WorkerContext, event: TransportEvent);

    /// Returns the moment of the next due work, if there is any.
    fn next_wakeup(&self, cx: &WorkerContext, now: Instant) -> Option<Instant>;

    /// Returns whether no more work will be due.
    fn is_finished(&self, cx: &WorkerContext) -> bool;

    /// Ends the work, once. `interrupted` is true if the run was stopped before its end.
    fn stop(&mut self, cx: &mut WorkerContext, interrupted: bool);

    /// Handles the events that still wait for devices, after the last call of a device.
    fn finish_events(&mut self, cx: &mut WorkerContext);

    /// Returns the memory of events that wait for devices, in bytes.
    fn event_memory(&self) -> usize;

    /// Returns the linear memory of its guests, in bytes.
    fn guest_memory(&self) -> u64;

    /// Waits until another worker's virtual clock advances.
    async fn other_clock_advanced(&self);
}

/// Handles all events that transports have reported since the last call.
pub(crate) fn handle_events<S: Source>(source: &mut S, cx: &mut WorkerContext) {
    let mut events = std::mem::take(&mut cx.events);
    cx.io.inbox.take(&mut events);
    for event in events.drain(..) {
        if cx.is_started {
            source.handle_event(cx, event);
        }
    }
    cx.events = events;
}

/// One worker.
pub(crate) struct WorkerLoop<S> {
    source: S,
    cx: WorkerContext,
    board: SharedCounters,
    /// Becomes true when the run is stopped.
    stop: watch::Receiver<bool>,
    published: Instant,
    /// Time that I/O took before the clock started.
    io_before: Duration,
}

impl<S: Source> WorkerLoop<S> {
    pub(crate) fn new(
        source: S,
        cx: WorkerContext,
        board: SharedCounters,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            io_before: cx.io.runtime.metrics().worker_total_busy_duration(0),
            source,
            cx,
            board,
            stop,
            published: Instant::now(),
        }
    }

    /// Returns the time that I/O took since the clock started, in microseconds.
    fn io_us(&self) -> u64 {
        let busy = self.cx.io.runtime.metrics().worker_total_busy_duration(0);
        micros(busy.saturating_sub(self.io_before))
    }

    /// Runs until all messages are complete, and closes the connections and the log. `events` came
    /// before the start.
    pub(crate) fn run(mut self, events: Vec<TransportEvent>) {
        self.cx.is_started = true;
        self.source.start(&mut self.cx);
        for event in events {
            self.source.handle_event(&mut self.cx, event);
        }
        self.run_rounds();
    }

    /// Closes the connections and the log of a run that is stopped before its clock starts.
    pub(crate) fn end(mut self) {
        self.begin_drain(true);
        self.run_rounds();
    }

    fn run_rounds(mut self) {
        loop {
            let began = Instant::now();
            self.cx.io.measure_memory(
                self.cx.record.appender.waiting_bytes(),
                self.source.event_memory(),
            );
            let log_is_full = self.cx.log_is_full();
            handle_events(&mut self.source, &mut self.cx);
            self.source.run_due(&mut self.cx);
            self.note_round(began);
            // Rows are on the disk before their messages are on the wire, or counted.
            self.cx.record.appender.flush(began);
            self.publish();
            self.advance_phase();
            if self.cx.phase == Phase::Closed {
                break;
            }
            // The drain is no time in which devices send, and its waiting is not theirs.
            let is_running = self.cx.is_running();
            if is_running {
                self.cx.record.counters.busy_us += micros(began.elapsed());
            }
            if self.cx.record.appender.must_wait() {
                // A full disk: connections rest too, or messages would leave unsaved.
                std::thread::sleep(LOG_FULL_POLL);
            } else {
                self.poll_io();
            }
            if log_is_full && is_running {
                self.cx.record.counters.log_blocked_us += micros(began.elapsed());
            }
        }
        self.close();
    }

    /// Flushes the transports, and sleeps until an event arrives or work is due.
    fn poll_io(&mut self) {
        let now = Instant::now();
        let wake = self.next_wakeup(now);
        let ready = wake <= now || !self.cx.io.inbox.is_empty();
        let wake = wake.into();
        let Self {
            source, cx, stop, ..
        } = self;
        let running = cx.is_running();
        let WorkerIo {
            runtime,
            transports,
            inbox,
            ..
        } = &mut cx.io;
        runtime.block_on(async {
            for transport in transports {
                transport.flush();
            }
            if ready {
                tokio::task::yield_now().await;
                return;
            }
            tokio::select! {
                biased;
                () = inbox.arrived() => {}
                _ = stop.changed(), if running => {}
                () = source.other_clock_advanced() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        });
    }

    /// Returns the moment of the next round, at the latest.
    fn next_wakeup(&self, now: Instant) -> Instant {
        let idle = now + PUBLISH;
        match self.cx.phase {
            Phase::Draining { until } => until.min(idle),
            Phase::Closed => now,
            Phase::Running if self.cx.log_is_full() => now + LOG_FULL_POLL,
            Phase::Running => {
                let due = self.source.next_wakeup(&self.cx, now);
                due.map_or(idle, |due| due.min(idle))
            }
        }
    }

    /// Notes the work up to here, while devices are called.
    fn note_round(&mut self, began: Instant) {
        if !self.cx.is_running() {
            return;
        }
        let now = Instant::now();
        let io_us = self.io_us();
        let Recorder { late, counters, .. } = &mut self.cx.record;
        let mark = WorkMark {
            at: now,
            calls_us: counters.busy_us + micros(now.saturating_duration_since(began)),
            io_us,
        };
        late.note_round(mark, counters);
    }

    fn publish(&mut self) {
        let now = Instant::now();
        if now < self.published + PUBLISH || !self.cx.record.appender.is_written() {
            return;
        }
        self.published = now;
        if self.cx.phase == Phase::Running {
            self.cx.record.counters.io_us = self.io_us();
        }
        let record = &mut self.cx.record;
        record.counters.reported_us = record.clock.since(now);
        record.late.publish(&mut record.counters);
        record.counters.guest_memory = self.source.guest_memory();
        self.board.publish(&record.counters);
    }

    /// Moves on to the next phase, if this one is over.
    fn advance_phase(&mut self) {
        match self.cx.phase {
            Phase::Running => {
                let interrupted = *self.stop.borrow();
                if interrupted || self.source.is_finished(&self.cx) {
                    self.begin_drain(interrupted);
                }
            }
            Phase::Draining { until } => {
                let open = self.cx.record.counters.open;
                if open == 0 || Instant::now() >= until {
                    tracing::debug!(open, "the worker closes");
                    self.cx.phase = Phase::Closed;
                }
            }
            Phase::Closed => {}
        }
    }

    fn begin_drain(&mut self, interrupted: bool) {
        self.source.stop(&mut self.cx, interrupted);
        let now = Instant::now();
        self.cx.record.counters.io_us = self.io_us();
        let record = &mut self.cx.record;
        record.counters.drained_from_us = record.clock.since(now);
        let open = record.counters.open;
        tracing::debug!(interrupted, open, "the worker drains");
        self.cx.phase = Phase::Draining { until: now + DRAIN };
    }

    fn close(mut self) {
        if self.cx.record.appender.must_wait() {
            // Closing a connection would also send its queued messages.
            for transport in &mut self.cx.io.transports {
                transport.drop_queued("the disk of the send log was full when the run ended");
            }
        }
        let WorkerIo {
            runtime,
            transports,
            ..
        } = &mut self.cx.io;
        runtime.block_on(async {
            for transport in transports {
                transport.close().await;
            }
        });
        while !self.cx.io.inbox.is_empty() {
            handle_events(&mut self.source, &mut self.cx);
        }
        self.source.finish_events(&mut self.cx);
        self.cx.record.counters.guest_memory = self.source.guest_memory();
        self.board.publish(&self.cx.record.counters);
        self.cx.record.appender.finish();
    }
}
