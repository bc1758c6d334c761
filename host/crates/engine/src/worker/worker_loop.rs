//! Runs one worker: devices, schedule, connections and spool on one thread.
//!
//! This file is the main path: due devices are called, and their messages get an address and go to
//! the transport. `transport_events` handles what transports report, and `supervisor` failed calls.

use std::time::{Duration, Instant};

use tokio::runtime::LocalRuntime;
use tokio::sync::watch;

use crate::time::bounded_lag::WorkerClock;
use crate::time::clock::{Clock, Micros, micros};
use crate::time::rate_scale::RateScale;
use crate::time::{event_queue::EventQueue, tick_schedule::TickTime};
use crate::worker::device_table::{DeviceState, DeviceTable};
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::recorder::{Recorder, shared};
use crate::worker::send_path::SendPath;
use mockfleet_metrics::SharedCounters;
use mockfleet_plugin::{Link, Turn};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{
    DeviceIndex, Envelope, EventInbox, LinkAction, Transport, TransportEvent,
};

/// Devices are called for about this long before I/O gets its turn: long enough to
/// carry the cost of a turn of the I/O loop (tens of microseconds), short enough
/// that it does not show in a device's lag.
pub(crate) const BATCH: Duration = Duration::from_millis(1);

/// How often counters are published.
const PUBLISH: Duration = Duration::from_millis(200);

/// How long open messages may take to be confirmed when the run is over.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// How often a worker that the log holds up looks again.
const LOG_FULL_POLL: Duration = Duration::from_millis(5);

/// How often a worker looks again that waits for the others.
const STALL_POLL: Duration = Duration::from_millis(1);

/// What the threads of a run share with each worker.
pub(crate) struct Shared {
    pub(crate) board: SharedCounters,
    /// Becomes true when the run is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// No tick is due from here on.
    pub(crate) end: Micros,
    /// How fast schedules go.
    pub(crate) rate_scale: RateScale,
    /// This worker's place among the others, where clocks go as fast as they can.
    pub(crate) worker_clock: Option<WorkerClock>,
    /// Whether messages leave.
    pub(crate) sends: bool,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Devices are called.
    Running,
    /// No device is called any more; open messages have until this moment.
    Draining(Instant),
}

/// One worker.
pub(crate) struct Worker {
    pub(crate) devices: DeviceTable,
    pub(crate) queue: EventQueue,
    /// When fallen cells are made again.
    pub(crate) restarts: EventQueue,
    /// This worker's end of each target, by the target's index.
    pub(crate) transports: Vec<Box<dyn Transport>>,
    pub(crate) inbox: EventInbox,
    pub(crate) record: Recorder,
    /// What injected faults still have to do.
    pub(crate) faults: PendingFaults,
    pub(crate) stage: Stage,
    pub(crate) end: Micros,
    pub(crate) worker_clock: Option<WorkerClock>,
    pub(crate) sends: bool,
    /// The clock stands still until a message is confirmed or another worker moves.
    pub(crate) stalled: bool,
    pub(crate) board: SharedCounters,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) runtime: LocalRuntime,
    reports: Vec<TransportEvent>,
    published: Instant,
}

impl Worker {
    pub(crate) fn new(
        shared: Shared,
        devices: DeviceTable,
        transports: Vec<Box<dyn Transport>>,
        inbox: EventInbox,
        runtime: LocalRuntime,
        record: Recorder,
    ) -> Self {
        Self {
            devices,
            queue: EventQueue::new(shared.rate_scale),
            restarts: EventQueue::default(),
            transports,
            inbox,
            record,
            faults: PendingFaults::default(),
            stage: Stage::Running,
            end: shared.end,
            worker_clock: shared.worker_clock,
            sends: shared.sends,
            stalled: false,
            board: shared.board,
            stop: shared.stop,
            runtime,
            reports: Vec::new(),
            published: Instant::now(),
        }
    }

    /// Runs to the end, and leaves every message with a row.
    pub(crate) fn run(mut self) {
        self.schedule_starts();
        loop {
            let began = Instant::now();
            let held_up = self.record.appender.is_full();
            self.take_events();
            self.restart_instances();
            self.run_pending_faults();
            self.run_due();
            // On the disk before it is on the wire, or counted.
            self.record.appender.flush(began);
            self.publish();
            if self.advance_phase() {
                break;
            }
            self.record.counters.busy_us += micros(began.elapsed());
            if self.record.appender.must_wait() {
                // A full disk: connections rest too, or messages would leave unsaved.
                std::thread::sleep(LOG_FULL_POLL);
            } else {
                self.poll_io();
            }
            if held_up {
                self.record.counters.log_blocked_us += micros(began.elapsed());
            }
        }
        self.close();
    }

    fn schedule_starts(&mut self) {
        for slot in 0..DeviceIndex::try_from(self.devices.len()).unwrap_or(DeviceIndex::MAX) {
            if let Some(device) = self
                .devices
                .device(slot)
                .filter(|device| device.born < self.end)
            {
                device.armed = true;
                self.queue.push(device.born, slot);
            }
        }
    }

    /// Runs what is due, for one batch.
    fn run_due(&mut self) {
        if self.stage != Stage::Running || self.record.appender.is_full() {
            return;
        }
        self.queue.rate_scale.refresh();
        let clock = self.record.clock;
        if clock.is_virtual() {
            return self.run_virtual();
        }
        let mut moment = Instant::now();
        let until = moment + BATCH;
        let mut now = clock.at(moment);
        while let Some((due, slot)) = self.queue.pop(now) {
            self.run_device(slot, due, now);
            moment = Instant::now();
            if moment >= until {
                break;
            }
            now = clock.at(moment);
        }
    }

    pub(crate) fn run_device(&mut self, slot: DeviceIndex, due: Micros, now: Micros) {
        let Some(device) = self.devices.device(slot) else {
            return;
        };
        match device.life {
            DeviceState::Unborn => self.start_device(slot),
            // An event may have moved the tick since this moment was noted.
            DeviceState::Alive if device.armed && device.tick.due == due => {
                self.run_tick(slot, now)
            }
            DeviceState::Alive | DeviceState::Retired => {}
        }
    }

    fn start_device(&mut self, slot: DeviceIndex) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        device.life = DeviceState::Alive;
        device.armed = false;
        let (member, moment) = (group.member(device.index), device.tick);
        let born = self.queue.rate_scale.run_time(device.born);
        self.record.counters.born += 1;
        group.count_active(device.group, &mut self.record.counters, true);
        self.record
            .event(device, group, born, EventKind::Born, None);
        let _inside = self.runtime.enter();
        if let Some(transport) = self.transports.get_mut(group.target) {
            transport.join(slot, member);
        }
        self.schedule_link_faults(slot);
        self.reschedule(slot, moment);
    }

    /// Runs one due tick: calls the device, hands on its messages, notes its next.
    fn run_tick(&mut self, slot: DeviceIndex, now: Micros) {
        let can_call = self.devices.can_call(slot);
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        device.armed = false;
        if !can_call {
            // Armed again when its cell is.
            return;
        }
        if group.schedule.is_flat_out() && device.open >= group.outbox {
            // Armed again when there is room.
            return;
        }
        let owner = group.owner(device.index, device.born);
        let reached = self.queue.rate_scale.schedule_time(now);
        let catch = group
            .schedule
            .catch_up(device.tick, reached, self.end, owner);
        let counters = &mut self.record.counters;
        group.count_tick(device.group, counters, device.tick, &catch, owner);
        self.record.missed(
            device,
            group,
            catch.missed,
            "the device was behind when its next tick was due",
        );
        device.tick = catch.tick;
        let due = self.queue.rate_scale.run_time(catch.tick.due);
        self.record.counters.ticks += 1;
        self.record.ticked(device.group, due);
        let clock = self.record.clock;
        if !clock.is_virtual() {
            let late = clock.to_real(now.saturating_sub(due));
            self.record.counters.delay.record(late);
        }
        let device_time = group.device_time(device.index, due, clock.guest(due));
        match self.devices.tick(slot, device_time) {
            Ok(turn) => {
                let asked = turn.next_tick;
                self.apply(slot, due, turn, "tick");
                self.schedule_next(slot, asked);
            }
            Err(error) => {
                self.handle_call_error(slot, "tick", error);
                self.schedule_next(slot, None);
            }
        }
    }

    /// Notes when a device is due after the tick it just had.
    fn schedule_next(&mut self, slot: DeviceIndex, asked: Option<Micros>) {
        let now = self.record.clock.now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let owner = group.owner(device.index, device.born);
        let mut moment = group.schedule.following(device.tick.nominal, asked, owner);
        if group.schedule.is_flat_out() {
            let due = moment.due.max(now);
            moment = TickTime { nominal: due, due };
        }
        self.reschedule(slot, moment);
    }

    /// Puts a device into the schedule, in place of where it was.
    pub(crate) fn reschedule(&mut self, slot: DeviceIndex, moment: TickTime) {
        let Some(device) = self.devices.device(slot) else {
            return;
        };
        device.tick = moment;
        device.armed = device.life == DeviceState::Alive && moment.due < self.end;
        if device.armed {
            self.queue.push(moment.due, slot);
        }
    }

    /// Addresses what a device returned and hands it on. `at` is when the call that
    /// returned it was due.
    pub(crate) fn apply(&mut self, slot: DeviceIndex, at: Micros, turn: Turn, call: &str) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let unknown = |channel: &str| group.routes.number(channel).is_none();
        if let Some(stray) = turn
            .messages
            .iter()
            .find(|message| unknown(&message.channel))
        {
            let why = format!(
                "returned a message on channel {:?}, which its description does not name and its target does not have; nothing of this turn was sent",
                stray.channel
            );
            return self.call_failed(slot, call, &why);
        }
        let known = device.status.as_deref();
        if let Some(status) = turn.status.filter(|status| known != Some(status.as_str())) {
            self.record
                .event(device, group, at, EventKind::Status, Some(&status));
            device.status = Some(shared(&status));
        }
        let Some(transport) = self.transports.get_mut(group.target) else {
            return;
        };
        let mut outlet = SendPath {
            device,
            group,
            record: &mut self.record,
            inbox: &self.inbox,
            transport: &mut **transport,
            sends: self.sends,
        };
        for message in turn.messages {
            let envelope = Envelope {
                device: slot,
                route: group.routes.number(&message.channel).unwrap_or_default(),
                seq: outlet.device.messages,
                copy: 0,
                attempt: 0,
                due: at,
                payload: message.payload.into(),
                content_type: message.content_type,
                properties: message.properties,
                status: outlet.device.status.clone(),
                topic: None,
                fault: None,
            };
            outlet.device.messages += 1;
            match &group.faults {
                None => outlet.send(envelope),
                Some(faults) => self.faults.send(faults, &mut outlet, envelope),
            }
        }
        match turn.link {
            None => {}
            Some(Link::Reconnect) => transport.apply_link_action(slot, LinkAction::Reconnect),
            Some(Link::Vanish(length)) => {
                let length = self.record.clock.to_real(length);
                transport
                    .apply_link_action(slot, LinkAction::Vanish(Duration::from_micros(length)));
            }
        }
    }

    pub(crate) fn take_events(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        self.inbox.take(&mut reports);
        for report in reports.drain(..) {
            self.take(report);
        }
        self.reports = reports;
    }

    /// Gives I/O its turn, and sleeps if nothing is due.
    fn poll_io(&mut self) {
        let now = Instant::now();
        let wake = self.next_wakeup(now);
        let ready = wake <= now || !self.inbox.is_empty();
        let wake = wake.into();
        let draining = self.stage != Stage::Running;
        let Self {
            runtime,
            transports,
            inbox,
            stop,
            worker_clock,
            ..
        } = self;
        let moved = async {
            match worker_clock {
                Some(worker_clock) => worker_clock.moved().await,
                None => std::future::pending().await,
            }
        };
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
                _ = stop.changed(), if !draining => {}
                () = moved => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        });
    }

    /// When this worker has to look again, at the latest.
    fn next_wakeup(&self, now: Instant) -> Instant {
        let idle = now + PUBLISH;
        let clock = self.record.clock;
        match self.stage {
            Stage::Draining(until) => until.min(idle),
            Stage::Running if self.record.appender.is_full() => now + LOG_FULL_POLL,
            Stage::Running if clock.is_virtual() => match self.stalled {
                true => now + STALL_POLL,
                false => now,
            },
            Stage::Running => {
                let due = self
                    .queue
                    .next_due()
                    .into_iter()
                    .chain(self.restarts.next_due());
                let end = Some(self.end).filter(|end| clock.at(now) < *end);
                let next = due.chain(self.faults.next_due()).chain(end).min();
                next.and_then(|next| clock.instant(next))
                    .map_or(idle, |next| next.min(idle))
            }
        }
    }

    fn publish(&mut self) {
        let now = Instant::now();
        if now >= self.published + PUBLISH && self.record.appender.is_written() {
            self.published = now;
            self.record.counters.reported_us = self.record.clock.since(now);
            self.record.counters.io_us =
                micros(self.runtime.metrics().worker_total_busy_duration(0));
            self.record.counters.guest_memory = self.devices.memory();
            self.board.publish(&self.record.counters);
        }
    }
}

impl Worker {
    /// The run's clock.
    pub(crate) fn clock(&self) -> Clock {
        self.record.clock
    }
}
