//! Sends the messages of a recording when they are due.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::replay::options::Speed;
use crate::replay::sorter::{self, Message, Stream};
use crate::time::clock::{Clock, Micros, micros};
use crate::worker::devices::ConnectionState;
use crate::worker::io::WorkerIo;
use crate::worker::send_path::{SendPath, Sender};
use crate::worker::worker_loop::{BATCH, Source, WorkerContext};
use mockfleet_config::fill_references;
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{
    Account, DeviceIndex, DeviceInfo, Envelope, TopicOverride, TransportEvent,
};

/// Target of all messages: a replay has only one.
const TARGET: usize = 0;

/// The part of a recording that one worker sends.
pub(crate) struct Shard {
    pub(crate) stream: Stream,
    /// The devices by slot, each with its number in the log.
    pub(crate) members: Vec<(u32, DeviceInfo)>,
    /// The target's route of each recorded channel.
    pub(crate) routes: Arc<[u16]>,
    /// Time of the recording's first message, in microseconds since the Unix epoch.
    pub(crate) first: i64,
    pub(crate) speed: Speed,
    pub(crate) targets_topics: bool,
    /// Whether `${NAME}` in recorded topics is filled in from the environment.
    pub(crate) fills_topics: bool,
    pub(crate) outbox: u32,
}

/// The recording of one worker, and the state of its devices.
pub(crate) struct RecordingSource {
    shard: Shard,
    workers: u32,
    devices: Vec<ReplayDevice>,
    /// The next message, and the time at which it is due.
    next: Option<(Micros, Message)>,
}

/// A device of this worker.
#[derive(Debug, Clone, Copy, Default)]
struct ReplayDevice {
    number: u32,
    messages: u64,
    open: u32,
    connection: ConnectionState,
    /// Run time at which its connection was up for the first time.
    connected_at: Option<Micros>,
}

impl RecordingSource {
    pub(crate) fn new(shard: Shard, workers: u32) -> Self {
        Self {
            devices: Vec::with_capacity(shard.members.len()),
            shard,
            workers,
            next: None,
        }
    }

    /// Takes the next message from the recording.
    fn advance(&mut self, cx: &mut WorkerContext) {
        let message = self.shard.stream.next().unwrap_or_else(|error| {
            let text = format!("the rest of the recording is lost: {error}");
            cx.record.notice(&text);
            None
        });
        self.next = message.map(|message| {
            let since = message.at.saturating_sub(self.shard.first);
            let since = u64::try_from(since).unwrap_or(0);
            let due = match self.shard.speed {
                Speed::Times(times) => scaled(since, times),
                Speed::Max => 0,
            };
            (due, message)
        });
    }

    fn slot(&self, message: &Message) -> DeviceIndex {
        message.device / self.workers.max(1)
    }

    fn device(&mut self, slot: DeviceIndex) -> Option<&mut ReplayDevice> {
        self.devices.get_mut(usize::try_from(slot).ok()?)
    }

    /// Returns whether the outbox of a message's device has room. At the highest speed a message
    /// waits for it, and all messages after it wait too, so that they keep their order.
    fn has_room(&self, message: &Message) -> bool {
        let slot = usize::try_from(self.slot(message)).unwrap_or(usize::MAX);
        let open = self.devices.get(slot).map_or(0, |device| device.open);
        self.shard.speed != Speed::Max || open < self.shard.outbox
    }

    fn send(&mut self, cx: &mut WorkerContext, due: Micros, now: Micros, mut message: Message) {
        let slot = self.slot(&message);
        let route = self.shard.routes.get(usize::from(message.channel)).copied();
        let (outbox, targets_topics) = (self.shard.outbox, self.shard.targets_topics);
        let fills_topics = self.shard.fills_topics;
        let Some(device) = self.device(slot) else {
            return;
        };
        let Some(transport) = cx.io.transports.get_mut(TARGET) else {
            return;
        };
        let recorded = message.topic.take().filter(|_| !targets_topics);
        let envelope = Box::new(Envelope {
            device: slot,
            route: route.unwrap_or_default(),
            seq: device.messages,
            copy: 0,
            attempt: 0,
            due,
            payload: sorter::payload(&mut message),
            content_type: None,
            properties: Vec::new(),
            status: None,
            topic: recorded.map(|topic| topic_override(topic, fills_topics)),
            fault: None,
            drops: 0,
        });
        device.messages += 1;
        cx.record.counters.ticks += 1;
        cx.record.called_late(now.saturating_sub(due));
        let mut path = SendPath {
            sender: Sender {
                number: device.number,
                route_base: 0,
                open: &mut device.open,
                outbox,
            },
            record: &mut cx.record,
            inbox: &cx.io.inbox,
            transport: &mut **transport,
            has_room: true,
            sends: cx.sends,
            injection: None,
        };
        path.send(envelope);
    }

    fn set_connected(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        is_connected: bool,
        why: Option<&str>,
    ) {
        let now = cx.now();
        let Some(device) = self.device(slot) else {
            return;
        };
        if is_connected {
            device.connected_at.get_or_insert(now);
        }
        let counters = &mut cx.record.counters;
        match is_connected {
            true => device.connection.set_up(counters),
            false => device.connection.set_down(counters),
        }
        let kind = if is_connected {
            EventKind::Connected
        } else {
            EventKind::Disconnected
        };
        cx.record.log_event(device.number, now, kind, why);
    }
}

impl Source for RecordingSource {
    fn connect(&mut self, io: &mut WorkerIo) {
        for (slot, (number, info)) in (0..).zip(std::mem::take(&mut self.shard.members)) {
            self.devices.push(ReplayDevice {
                number,
                ..ReplayDevice::default()
            });
            io.join(TARGET, slot, info);
        }
    }

    fn set_clock(&mut self, _: &Clock, _: &mut dyn FnMut()) -> Vec<String> {
        Vec::new()
    }

    /// Switches all devices on at once.
    fn start(&mut self, cx: &mut WorkerContext) {
        let has_connections = cx.io.has_connections(TARGET);
        for device in &self.devices {
            cx.record.counters.born += 1;
            cx.record.log_event(device.number, 0, EventKind::Born, None);
            cx.record.counters.to_connect += u64::from(has_connections);
        }
        self.advance(cx);
    }

    fn run_due(&mut self, cx: &mut WorkerContext) {
        if !cx.is_running() || cx.log_is_full() || !cx.io.inbox.budget().has_room() {
            return;
        }
        let until = cx.now() + micros(BATCH);
        loop {
            let now = cx.now();
            let is_ready = self
                .next
                .as_ref()
                .is_some_and(|(due, message)| *due <= now && self.has_room(message));
            if !is_ready || now >= until {
                return;
            }
            if let Some((due, message)) = self.next.take() {
                let due = match self.shard.speed {
                    Speed::Times(_) => due,
                    Speed::Max => now,
                };
                self.send(cx, due, now, message);
            }
            self.advance(cx);
        }
    }

    fn handle_event(&mut self, cx: &mut WorkerContext, event: TransportEvent) {
        match event {
            TransportEvent::Completed(completion) => {
                let budget = cx.io.inbox.budget();
                budget.remove(Account::Outboxes, completion.envelope.memory());
                if let Some(device) = self.device(completion.envelope.device) {
                    device.open = device.open.saturating_sub(1);
                    let (number, connected_at) = (device.number, device.connected_at);
                    cx.record
                        .record_replay_outcome(number, &completion, connected_at);
                }
            }
            TransportEvent::Connected(slot) => self.set_connected(cx, slot, true, None),
            TransportEvent::Reconnected(slot) => {
                cx.record.counters.reconnects += 1;
                self.set_connected(cx, slot, true, None);
            }
            TransportEvent::Disconnected(slot, why) => {
                self.set_connected(cx, slot, false, Some(&why.text()));
            }
            // No device receives it, and none subscribes.
            TransportEvent::Received(_, message) => cx.record.count_received(message.payload.len()),
            TransportEvent::Refused(..) | TransportEvent::Oversize { .. } => {}
            TransportEvent::Unproven(messages) => cx.record.counters.unproven += messages,
            TransportEvent::Warning { kind, text, times } => {
                cx.record.notice_times(&kind, text, times);
            }
        }
    }

    fn next_wakeup(&self, cx: &WorkerContext, _: Instant) -> Option<Instant> {
        // Without room, the event of a completed message wakes the worker.
        let (due, _) = self
            .next
            .as_ref()
            .filter(|(_, message)| self.has_room(message) && cx.io.inbox.budget().has_room())?;
        cx.record.clock.instant(*due)
    }

    fn is_finished(&self, _: &WorkerContext) -> bool {
        self.next.is_none()
    }

    fn stop(&mut self, _: &mut WorkerContext, _: bool) {}

    fn finish_events(&mut self, _: &mut WorkerContext) {}

    fn event_memory(&self) -> usize {
        0
    }

    fn guest_memory(&self) -> u64 {
        0
    }

    async fn other_clock_advanced(&self) {
        std::future::pending().await
    }
}

/// Returns a recorded topic. The names of the environment in it were checked before the start.
fn topic_override(recorded: String, fills: bool) -> TopicOverride {
    let shown: Rc<str> = recorded.into();
    let filled = (fills && shown.contains("${")).then(|| fill_references(&shown).ok());
    TopicOverride {
        sent: filled
            .flatten()
            .map_or_else(|| Rc::clone(&shown), Into::into),
        shown,
    }
}

/// Returns a length of time at a higher speed.
fn scaled(length: Micros, times: f64) -> Micros {
    if times == 1.0 {
        return length;
    }
    micros(Duration::from_micros(length).div_f64(times))
}
