//! One worker of a replay, on one thread: what is due leaves, what comes to its end
//! becomes a row. The same turns as [`super::super::worker`], without devices to call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::LocalRuntime;
use tokio::sync::watch;

use super::recording::Speed;
use super::sorter::{self, Message, Stream};
use crate::clock::{Clock, Micros, micros};
use crate::prepare::Line;
use crate::record::Record;
use crate::threads;
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_sendlog::{Appender, EventKind, EventRow, MessageRow};
use mockfleet_transport::{Envelope, Inbox, Member, Outcome, Report, Settled, Slot, Transport};

/// Messages leave for about this long before I/O gets its turn.
const BATCH: Duration = Duration::from_millis(1);

/// How often counters are published.
const PUBLISH: Micros = 200_000;

/// How long open messages may take to be confirmed when all are sent.
const DRAIN: Micros = 5_000_000;

/// How often a worker that the log holds up looks again.
const HELD_UP: Micros = 5_000;

/// What one worker sends.
pub(super) struct Part {
    pub(super) stream: Stream,
    /// By slot: the number in the log, and who it is.
    pub(super) members: Vec<(u32, Member)>,
    /// The target's route of each recorded channel.
    pub(super) routes: Arc<[u16]>,
    /// The moment of the recording's first message.
    pub(super) first: i64,
    /// When it is due.
    pub(super) lead: Micros,
    pub(super) speed: Speed,
    pub(super) targets_topics: bool,
    pub(super) outbox: u32,
}

/// A device of this worker.
#[derive(Debug, Clone, Copy, Default)]
struct Seat {
    number: u32,
    messages: u64,
    open: u32,
    up: bool,
}

pub(super) struct Player {
    stream: Stream,
    /// The next message, and when it is due.
    next: Option<(Micros, Message)>,
    routes: Arc<[u16]>,
    first: i64,
    lead: Micros,
    speed: Speed,
    targets_topics: bool,
    outbox: u32,
    seats: Vec<Seat>,
    workers: u32,
    line: Box<dyn Transport>,
    inbox: Inbox,
    record: Record,
    board: SharedCounters,
    stop: watch::Receiver<bool>,
    runtime: LocalRuntime,
    reports: Vec<Report>,
    published: Micros,
    /// Nothing leaves any more; open messages have until this moment.
    draining: Option<Micros>,
}

impl Player {
    /// Made on its own thread. None where that cannot be, which the board then says.
    pub(super) fn new(
        part: Part,
        line: &Line,
        (worker, workers): (u32, u32),
        clock: Clock,
        appender: Appender,
        stop: watch::Receiver<bool>,
        board: SharedCounters,
    ) -> Option<Self> {
        let inbox = Inbox::default();
        let lines = std::slice::from_ref(line);
        let (runtime, mut lines) = threads::inside(lines, worker, workers, &inbox, &board)?;
        let line = lines.pop()?;
        let mut player = Self {
            stream: part.stream,
            next: None,
            routes: part.routes,
            first: part.first,
            lead: part.lead,
            speed: part.speed,
            targets_topics: part.targets_topics,
            outbox: part.outbox,
            seats: Vec::with_capacity(part.members.len()),
            workers,
            line,
            inbox,
            record: Record {
                appender,
                counters: Counters::default(),
                clock,
                gauge: None,
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
    fn join(&mut self, members: Vec<(u32, Member)>) {
        let _inside = self.runtime.enter();
        for (slot, (number, member)) in (0..).zip(members) {
            self.seats.push(Seat {
                number,
                ..Seat::default()
            });
            self.record.counters.born += 1;
            self.record.appender.append_event(&EventRow {
                device: number,
                at: self.record.clock.utc(0),
                kind: EventKind::Born,
                detail: None,
            });
            self.line.join(slot, member);
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
                Speed::Times(times) => self.lead.saturating_add(scaled(since, times)),
                Speed::Max => self.lead,
            };
            (due, message)
        });
    }

    /// Sends to the end, and leaves every message with a row.
    pub(super) fn run(mut self) {
        loop {
            let began = Instant::now();
            self.take_reports();
            self.send_due();
            // On the disk before it is on the wire, or counted.
            self.record.appender.flush(began);
            self.publish();
            if self.is_over() {
                break;
            }
            self.record.counters.busy_us += micros(began.elapsed());
            if self.record.appender.must_wait() {
                // A full disk: connections rest too, or messages would leave unsaved.
                std::thread::sleep(Duration::from_micros(HELD_UP));
                self.record.counters.log_blocked_us += micros(began.elapsed());
            } else {
                self.give_way();
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

    fn slot(&self, message: &Message) -> Slot {
        message.device / self.workers.max(1)
    }

    fn seat(&mut self, slot: Slot) -> Option<&mut Seat> {
        self.seats.get_mut(usize::try_from(slot).ok()?)
    }

    /// As fast as it goes, a message waits for its device's outbox, and all after it too:
    /// they stay in their order.
    fn has_room(&self, message: &Message) -> bool {
        let slot = usize::try_from(self.slot(message)).unwrap_or(usize::MAX);
        let open = self.seats.get(slot).map_or(0, |seat| seat.open);
        self.speed != Speed::Max || open < self.outbox
    }

    fn send(&mut self, due: Micros, now: Micros, mut message: Message) {
        let slot = self.slot(&message);
        let route = self.routes.get(usize::from(message.channel)).copied();
        let outbox = self.outbox;
        let Some(seat) = self.seat(slot) else {
            return;
        };
        let (number, seq) = (seat.number, seat.messages);
        seat.messages += 1;
        seat.open += 1;
        let open = seat.open;
        let recorded = message.topic.take().filter(|_| !self.targets_topics);
        let envelope = Envelope {
            slot,
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
            let settled = Settled::unsent(envelope, Outcome::Dropped, why.into());
            self.inbox.put(Report::Settled(settled));
        } else {
            self.line.submit(envelope);
        }
    }

    fn take_reports(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        self.inbox.take(&mut reports);
        for report in reports.drain(..) {
            match report {
                Report::Settled(settled) => {
                    if let Some(seat) = self.seat(settled.envelope.slot) {
                        seat.open = seat.open.saturating_sub(1);
                        let number = seat.number;
                        self.record.settled_of(number, &settled);
                    }
                }
                Report::Up(slot) => self.link(slot, true, None),
                Report::Down(slot, why) => self.link(slot, false, Some(&why)),
                // Nobody is there to hear it.
                Report::Received { .. } => self.record.counters.received += 1,
                Report::Trouble(text) => self.record.notice(&text),
            }
        }
        self.reports = reports;
    }

    fn link(&mut self, slot: Slot, up: bool, why: Option<&str>) {
        let Some(seat) = self.seat(slot) else {
            return;
        };
        let (number, was) = (seat.number, std::mem::replace(&mut seat.up, up));
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
    fn give_way(&mut self) {
        let now = self.record.clock.now();
        let wake = self.next_moment(now);
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
            line,
            inbox,
            stop,
            ..
        } = self;
        runtime.block_on(async {
            line.flush();
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

    fn next_moment(&self, now: Micros) -> Micros {
        let idle = now + PUBLISH;
        match (self.draining, &self.next) {
            (Some(until), _) => until.min(idle),
            (None, _) if self.record.appender.is_full() => now + HELD_UP,
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

    fn is_over(&mut self) -> bool {
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
            self.line.drop_waiting(why);
        }
        let Self { runtime, line, .. } = &mut self;
        runtime.block_on(line.close());
        while !self.inbox.is_empty() {
            self.take_reports();
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
