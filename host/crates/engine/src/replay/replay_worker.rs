//! Runs one worker of a replay, on one thread.
//!
//! Due messages are sent, and a completed message becomes a row. The loop is that of
//! `worker/worker_loop`, without devices to call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::LocalRuntime;
use tokio::sync::watch;

use crate::prepare::transport_spec::TransportSpec;
use crate::replay::recording::Speed;
use crate::replay::sorter::{self, Message, Stream};
use crate::time::clock::{Clock, Micros, micros};
use crate::worker::io;
use crate::worker::recorder::Recorder;
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_sendlog::{Appender, EventKind, EventRow, MessageRow};
use mockfleet_transport::{
    Cause, Completion, DeviceIndex, DeviceInfo, Envelope, EventInbox, Outcome, Transport,
    TransportEvent,
};

/// Messages leave for about this long before I/O gets its turn.
const BATCH: Duration = Duration::from_millis(1);

/// How often counters are published.
const PUBLISH: Micros = 200_000;

/// How long open messages may take to be confirmed when all are sent.
const DRAIN: Micros = 5_000_000;

/// How often a worker that the log holds up looks again.
const LOG_FULL_POLL: Micros = 5_000;

/// What one worker sends.
pub(crate) struct Shard {
    pub(crate) stream: Stream,
    /// By slot: the number in the log, and who it is.
    pub(crate) members: Vec<(u32, DeviceInfo)>,
    /// The target's route of each recorded channel.
    pub(crate) routes: Arc<[u16]>,
    /// The moment of the recording's first message.
    pub(crate) first: i64,
    /// When it is due.
    pub(crate) start_offset: Micros,
    pub(crate) speed: Speed,
    pub(crate) targets_topics: bool,
    pub(crate) outbox: u32,
}

/// A device of this worker.
#[derive(Debug, Clone, Copy, Default)]
struct ReplayDevice {
    number: u32,
    messages: u64,
    open: u32,
    up: bool,
}

pub(crate) struct ReplayWorker {
    stream: Stream,
    /// The next message, and when it is due.
    next: Option<(Micros, Message)>,
    routes: Arc<[u16]>,
    first: i64,
    start_offset: Micros,
    speed: Speed,
    targets_topics: bool,
    outbox: u32,
    devices: Vec<ReplayDevice>,
    workers: u32,
    transport: Box<dyn Transport>,
    inbox: EventInbox,
    record: Recorder,
    board: SharedCounters,
    stop: watch::Receiver<bool>,
    runtime: LocalRuntime,
    reports: Vec<TransportEvent>,
    published: Micros,
    /// Nothing leaves any more; open messages have until this moment.
    draining: Option<Micros>,
}

impl ReplayWorker {
    /// Made on its own thread. None where that cannot be, which the board then says.
    pub(crate) fn new(
        part: Shard,
        transport: &TransportSpec,
        (worker, workers): (u32, u32),
        clock: Clock,
        appender: Appender,
        stop: watch::Receiver<bool>,
        board: SharedCounters,
    ) -> Option<Self> {
        let inbox = EventInbox::default();
        let transports = std::slice::from_ref(transport);
        let (runtime, mut transports) = io::open_io(transports, worker, workers, &inbox, &board)?;
        let transport = transports.pop()?;
        let mut player = Self {
            stream: part.stream,
            next: None,
            routes: part.routes,
            first: part.first,
            start_offset: part.start_offset,
            speed: part.speed,
            targets_topics: part.targets_topics,
            outbox: part.outbox,
            devices: Vec::with_capacity(part.members.len()),
            workers,
            transport,
            inbox,
            record: Recorder {
                appender,
                counters: Counters::default(),
                clock,
                thresholds: None,
            },
            board,
            stop,
            runtime,
            reports: Vec::new(),
            published: 0,
            draining: None,
        };
        player.join(part.members);
        player.advance();
        Some(player)
    }

    /// All devices are switched on at once; their connections open as fast as the target
    /// allows.
    fn join(&mut self, members: Vec<(u32, DeviceInfo)>) {
        let _inside = self.runtime.enter();
        for (slot, (number, member)) in (0..).zip(members) {
            self.devices.push(ReplayDevice {
                number,
                ..ReplayDevice::default()
            });
            self.record.counters.born += 1;
            self.record.appender.append_event(&EventRow {
                device: number,
                at: self.record.clock.utc(0),
                kind: EventKind::Born,
                detail: None,
            });
            self.transport.join(slot, member);
        }
    }

    /// Takes the next message from the recording.
    fn advance(&mut self) {
        let message = self.stream.next().unwrap_or_else(|why| {
            let text = format!("the rest of the recording is lost: {why}");
            self.record.notice(&text);
            None
        });
        self.next = message.map(|message| {
            let since = message.at.saturating_sub(self.first);
            let since = u64::try_from(since).unwrap_or(0);
            let due = match self.speed {
                Speed::Times(times) => self.start_offset.saturating_add(scaled(since, times)),
                Speed::Max => self.start_offset,
            };
            (due, message)
        });
    }

    /// Sends to the end, and leaves every message with a row.
    pub(crate) fn run(mut self) {
        loop {
            let began = Instant::now();
            self.take_events();
            self.send_due();
            // On the disk before it is on the wire, or counted.
            self.record.appender.flush(began);
            self.publish();
            if self.advance_phase() {
                break;
            }
            self.record.counters.busy_us += micros(began.elapsed());
            if self.record.appender.must_wait() {
                // A full disk: connections rest too, or messages would leave unsaved.
                std::thread::sleep(Duration::from_micros(LOG_FULL_POLL));
                self.record.counters.log_blocked_us += micros(began.elapsed());
            } else {
                self.poll_io();
            }
        }
        self.close();
    }

    fn send_due(&mut self) {
        if self.draining.is_some() || self.record.appender.is_full() {
            return;
        }
        let until = self.record.clock.now() + micros(BATCH);
        loop {
            let now = self.record.clock.now();
            let ready = self
                .next
                .as_ref()
                .is_some_and(|(due, message)| *due <= now && self.has_room(message));
            if !ready || now >= until {
                return;
            }
            if let Some((due, message)) = self.next.take() {
                let due = match self.speed {
                    Speed::Times(_) => due,
                    Speed::Max => now,
                };
                self.send(due, now, message);
            }
            self.advance();
        }
    }

    fn slot(&self, message: &Message) -> DeviceIndex {
        message.device / self.workers.max(1)
    }

    fn device(&mut self, slot: DeviceIndex) -> Option<&mut ReplayDevice> {
        self.devices.get_mut(usize::try_from(slot).ok()?)
    }

    /// As fast as it goes, a message waits for its device's outbox, and all after it too:
    /// they stay in their order.
    fn has_room(&self, message: &Message) -> bool {
        let slot = usize::try_from(self.slot(message)).unwrap_or(usize::MAX);
        let open = self.devices.get(slot).map_or(0, |device| device.open);
        self.speed != Speed::Max || open < self.outbox
    }

    fn send(&mut self, due: Micros, now: Micros, mut message: Message) {
        let slot = self.slot(&message);
        let route = self.routes.get(usize::from(message.channel)).copied();
        let outbox = self.outbox;
        let Some(device) = self.device(slot) else {
            return;
        };
        let (number, seq) = (device.number, device.messages);
        device.messages += 1;
        device.open += 1;
        let open = device.open;
        let recorded = message.topic.take().filter(|_| !self.targets_topics);
        let envelope = Envelope {
            device: slot,
            route: route.unwrap_or_default(),
            seq,
            copy: 0,
            attempt: 0,
            due,
            payload: sorter::payload(&mut message),
            content_type: None,
            properties: Vec::new(),
            status: None,
            topic: recorded.map(Into::into),
            fault: None,
        };
        let counters = &mut self.record.counters;
        counters.messages += 1;
        counters.open += 1;
        counters.ticks += 1;
        counters.delay.record(now.saturating_sub(due));
        self.record.appender.append_message(&MessageRow {
            device: number,
            seq,
            copy: 0,
            route: envelope.route,
            topic: envelope.topic.as_deref(),
            fault: None,
            status: None,
            scheduled_at: self.record.clock.utc(due),
            payload: &envelope.payload,
        });
        self.record.opened(open, outbox);
        if open > outbox {
            self.record.counters.outbox_full += 1;
            let why = format!("the outbox was full: {outbox} messages of this device are open");
            let settled = Completion::unsent(envelope, Outcome::Dropped, Cause::backend(why));
            self.inbox.push(TransportEvent::Completed(settled));
        } else {
            self.transport.submit(envelope);
        }
    }

    fn take_events(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        self.inbox.take(&mut reports);
        for report in reports.drain(..) {
            match report {
                TransportEvent::Completed(settled) => {
                    if let Some(device) = self.device(settled.envelope.device) {
                        device.open = device.open.saturating_sub(1);
                        let number = device.number;
                        self.record.record_outcome_of(number, &settled);
                    }
                }
                TransportEvent::Connected(slot) => self.link(slot, true, None),
                TransportEvent::Disconnected(slot, why) => {
                    self.link(slot, false, Some(&why.text()))
                }
                // Nobody is there to hear it.
                TransportEvent::Received { .. } => self.record.counters.received += 1,
                TransportEvent::Warning(text) => self.record.notice(&text),
            }
        }
        self.reports = reports;
    }

    fn link(&mut self, slot: DeviceIndex, up: bool, why: Option<&str>) {
        let Some(device) = self.device(slot) else {
            return;
        };
        let (number, was) = (device.number, std::mem::replace(&mut device.up, up));
        let counters = &mut self.record.counters;
        match (was, up) {
            (false, true) => counters.up += 1,
            (true, false) => counters.up -= 1,
            _ => {}
        }
        let kind = if up {
            EventKind::Connected
        } else {
            EventKind::Disconnected
        };
        let at = self.record.clock.now();
        self.record.appender.append_event(&EventRow {
            device: number,
            at: self.record.clock.utc(at),
            kind,
            detail: why,
        });
    }

    /// Gives I/O its turn, and sleeps if nothing is due.
    fn poll_io(&mut self) {
        let now = self.record.clock.now();
        let wake = self.next_wakeup(now);
        let ready = wake <= now || !self.inbox.is_empty();
        // The clock of a replay is the machine's.
        let wake = self
            .record
            .clock
            .instant(wake)
            .unwrap_or_else(Instant::now)
            .into();
        let draining = self.draining.is_some();
        let Self {
            runtime,
            transport,
            inbox,
            stop,
            ..
        } = self;
        runtime.block_on(async {
            transport.flush();
            if ready {
                tokio::task::yield_now().await;
                return;
            }
            tokio::select! {
                biased;
                () = inbox.arrived() => {}
                _ = stop.changed(), if !draining => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        });
    }

    fn next_wakeup(&self, now: Micros) -> Micros {
        let idle = now + PUBLISH;
        match (self.draining, &self.next) {
            (Some(until), _) => until.min(idle),
            (None, _) if self.record.appender.is_full() => now + LOG_FULL_POLL,
            // A report says when there is room.
            (None, Some((_, message))) if !self.has_room(message) => idle,
            (None, Some((due, _))) => (*due).min(idle),
            (None, None) => idle,
        }
    }

    fn publish(&mut self) {
        let now = self.record.clock.now();
        if now >= self.published + PUBLISH && self.record.appender.is_written() {
            self.published = now;
            self.record.counters.reported_us = now;
            self.record.counters.io_us =
                micros(self.runtime.metrics().worker_total_busy_duration(0));
            self.board.publish(&self.record.counters);
        }
    }

    fn advance_phase(&mut self) -> bool {
        let now = self.record.clock.now();
        if let Some(until) = self.draining {
            return self.record.counters.open == 0 || now >= until;
        }
        if *self.stop.borrow() || self.next.is_none() {
            self.draining = Some(now + DRAIN);
        }
        false
    }

    fn close(mut self) {
        if self.record.appender.must_wait() {
            let why = "the disk of the send log was full when the run ended";
            self.transport.drop_queued(why);
        }
        let Self {
            runtime, transport, ..
        } = &mut self;
        runtime.block_on(transport.close());
        while !self.inbox.is_empty() {
            self.take_events();
        }
        self.board.publish(&self.record.counters);
        self.record.appender.finish();
    }
}

/// A length that goes by so many times faster.
fn scaled(length: Micros, times: f64) -> Micros {
    if times == 1.0 {
        return length;
    }
    micros(Duration::from_micros(length).div_f64(times))
}
