//! One worker: its devices, its schedule, its connections, its part of the log, all
//! on one thread. This file is the main path: what is due is called, what comes back
//! is addressed and handed on. What reports do is in `report`, what a call that went
//! wrong does in `supervise`.

use std::time::{Duration, Instant};

use tokio::runtime::LocalRuntime;
use tokio::sync::watch;

use super::clock::{Clock, Micros, micros};
use super::convoy::Place;
use super::crew::{Crew, Life};
use super::faults::Broken;
use super::outlet::Outlet;
use super::record::{Record, shared};
use super::schedule::{Moment, Schedule};
use super::tempo::Tempo;
use mockfleet_metrics::SharedCounters;
use mockfleet_plugin::{Link, Turn};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Envelope, Inbox, LinkAction, Report, Slot, Transport};

/// Devices are called for about this long before I/O gets its turn: long enough to
/// carry the cost of a turn of the I/O loop (tens of microseconds), short enough
/// that it does not show in a device's lag.
pub(super) const BATCH: Duration = Duration::from_millis(1);

/// How often counters are published.
const PUBLISH: Duration = Duration::from_millis(200);

/// How long open messages may take to be confirmed when the run is over.
pub(super) const DRAIN: Duration = Duration::from_secs(5);

/// How often a worker that the log holds up looks again.
const HELD_UP: Duration = Duration::from_millis(5);

/// How often a worker looks again that waits for the others.
const HALTED: Duration = Duration::from_millis(1);

/// What the threads of a run share with each worker.
pub(crate) struct Shared {
    pub(crate) board: SharedCounters,
    /// Becomes true when the run is to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// No tick is due from here on.
    pub(crate) end: Micros,
    /// How fast schedules go.
    pub(crate) tempo: Tempo,
    /// This worker's place among the others, where clocks go as fast as they can.
    pub(crate) place: Option<Place>,
    /// Whether messages leave.
    pub(crate) sends: bool,
}

/// Where a worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Devices are called.
    Running,
    /// No device is called any more; open messages have until this moment.
    Draining(Instant),
}

/// One worker.
pub(crate) struct Worker {
    pub(super) crew: Crew,
    pub(super) schedule: Schedule,
    /// When fallen cells are made again.
    pub(super) repairs: Schedule,
    /// This worker's end of each target, by the target's index.
    pub(super) lines: Vec<Box<dyn Transport>>,
    pub(super) inbox: Inbox,
    pub(super) record: Record,
    /// What injected faults still have to do.
    pub(super) broken: Broken,
    pub(super) stage: Stage,
    pub(super) end: Micros,
    pub(super) place: Option<Place>,
    pub(super) sends: bool,
    /// The clock stands still until a message is confirmed or another worker moves.
    pub(super) halted: bool,
    pub(super) board: SharedCounters,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) runtime: LocalRuntime,
    reports: Vec<Report>,
    published: Instant,
}

impl Worker {
    pub(crate) fn new(
        shared: Shared,
        crew: Crew,
        lines: Vec<Box<dyn Transport>>,
        inbox: Inbox,
        runtime: LocalRuntime,
        record: Record,
    ) -> Self {
        Self {
            crew,
            schedule: Schedule::new(shared.tempo),
            repairs: Schedule::default(),
            lines,
            inbox,
            record,
            broken: Broken::default(),
            stage: Stage::Running,
            end: shared.end,
            place: shared.place,
            sends: shared.sends,
            halted: false,
            board: shared.board,
            stop: shared.stop,
            runtime,
            reports: Vec::new(),
            published: Instant::now(),
        }
    }

    /// Runs to the end, and leaves every message with a row.
    pub(crate) fn run(mut self) {
        self.arm_births();
        loop {
            let began = Instant::now();
            let held_up = self.record.appender.is_full();
            self.take_reports();
            self.repair_cells();
            self.run_broken();
            self.run_due();
            // On the disk before it is on the wire, or counted.
            self.record.appender.flush(began);
            self.publish();
            if self.is_over() {
                break;
            }
            self.record.counters.busy_us += micros(began.elapsed());
            if self.record.appender.must_wait() {
                // A full disk: connections rest too, or messages would leave unsaved.
                std::thread::sleep(HELD_UP);
            } else {
                self.give_way();
            }
            if held_up {
                self.record.counters.log_blocked_us += micros(began.elapsed());
            }
        }
        self.close();
    }

    fn arm_births(&mut self) {
        for slot in 0..Slot::try_from(self.crew.len()).unwrap_or(Slot::MAX) {
            if let Some(device) = self
                .crew
                .device(slot)
                .filter(|device| device.born < self.end)
            {
                device.armed = true;
                self.schedule.arm(device.born, slot);
            }
        }
    }

    /// Runs what is due, for one batch.
    fn run_due(&mut self) {
        if self.stage != Stage::Running || self.record.appender.is_full() {
            return;
        }
        self.schedule.tempo.refresh();
        let clock = self.record.clock;
        if clock.is_reached() {
            return self.run_ahead();
        }
        let mut moment = Instant::now();
        let until = moment + BATCH;
        let mut now = clock.at(moment);
        while let Some((due, slot)) = self.schedule.pop(now) {
            self.run_device(slot, due, now);
            moment = Instant::now();
            if moment >= until {
                break;
            }
            now = clock.at(moment);
        }
    }

    pub(super) fn run_device(&mut self, slot: Slot, due: Micros, now: Micros) {
        let Some(device) = self.crew.device(slot) else {
            return;
        };
        match device.life {
            Life::Unborn => self.switch_on(slot),
            // An event may have moved the tick since this moment was noted.
            Life::Alive if device.armed && device.moment.due == due => self.run_tick(slot, now),
            Life::Alive | Life::Retired => {}
        }
    }

    fn switch_on(&mut self, slot: Slot) {
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        device.life = Life::Alive;
        device.armed = false;
        let (member, moment) = (group.member(device.index), device.moment);
        let born = self.schedule.tempo.moment(device.born);
        self.record.counters.born += 1;
        group.count_on(device.group, &mut self.record.counters, true);
        self.record
            .event(device, group, born, EventKind::Born, None);
        let _inside = self.runtime.enter();
        if let Some(line) = self.lines.get_mut(group.target) {
            line.join(slot, member);
        }
        self.arm_faults(slot);
        self.arm(slot, moment);
    }

    /// Runs one due tick: calls the device, hands on its messages, notes its next.
    fn run_tick(&mut self, slot: Slot, now: Micros) {
        let can_call = self.crew.can_call(slot);
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        device.armed = false;
        if !can_call {
            // Armed again when its cell is.
            return;
        }
        if group.beat.is_flat_out() && device.open >= group.outbox {
            // Armed again when there is room.
            return;
        }
        let owner = group.owner(device.index, device.born);
        let reached = self.schedule.tempo.beat(now);
        let catch = group.beat.catch_up(device.moment, reached, self.end, owner);
        let counters = &mut self.record.counters;
        group.count_tick(device.group, counters, device.moment, &catch, owner);
        self.record.missed(
            device,
            group,
            catch.missed,
            "the device was behind when its next tick was due",
        );
        device.moment = catch.moment;
        let due = self.schedule.tempo.moment(catch.moment.due);
        self.record.counters.ticks += 1;
        self.record.ticked(device.group, due);
        let clock = self.record.clock;
        if !clock.is_reached() {
            let late = clock.on_the_machine(now.saturating_sub(due));
            self.record.counters.delay.record(late);
        }
        let told = group.told(device.index, due, clock.guest(due));
        match self.crew.tick(slot, told) {
            Ok(turn) => {
                let asked = turn.next_tick;
                self.apply(slot, due, turn, "tick");
                self.rearm(slot, asked);
            }
            Err(error) => {
                self.went_wrong(slot, "tick", error);
                self.rearm(slot, None);
            }
        }
    }

    /// Notes when a device is due after the tick it just had.
    fn rearm(&mut self, slot: Slot, asked: Option<Micros>) {
        let now = self.record.clock.now();
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        let owner = group.owner(device.index, device.born);
        let mut moment = group.beat.following(device.moment.nominal, asked, owner);
        if group.beat.is_flat_out() {
            let due = moment.due.max(now);
            moment = Moment { nominal: due, due };
        }
        self.arm(slot, moment);
    }

    /// Puts a device into the schedule, in place of where it was.
    pub(super) fn arm(&mut self, slot: Slot, moment: Moment) {
        let Some(device) = self.crew.device(slot) else {
            return;
        };
        device.moment = moment;
        device.armed = device.life == Life::Alive && moment.due < self.end;
        if device.armed {
            self.schedule.arm(moment.due, slot);
        }
    }

    /// Addresses what a device returned and hands it on. `at` is when the call that
    /// returned it was due.
    pub(super) fn apply(&mut self, slot: Slot, at: Micros, turn: Turn, call: &str) {
        let Some((device, group)) = self.crew.with_group(slot) else {
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
        let Some(line) = self.lines.get_mut(group.target) else {
            return;
        };
        let mut outlet = Outlet {
            device,
            group,
            record: &mut self.record,
            inbox: &self.inbox,
            line: &mut **line,
            sends: self.sends,
        };
        for message in turn.messages {
            let envelope = Envelope {
                slot,
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
                Some(faults) => self.broken.send(faults, &mut outlet, envelope),
            }
        }
        match turn.link {
            None => {}
            Some(Link::Reconnect) => line.act(slot, LinkAction::Reconnect),
            Some(Link::Vanish(length)) => {
                let length = self.record.clock.on_the_machine(length);
                line.act(slot, LinkAction::Vanish(Duration::from_micros(length)));
            }
        }
    }

    pub(super) fn take_reports(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        self.inbox.take(&mut reports);
        for report in reports.drain(..) {
            self.take(report);
        }
        self.reports = reports;
    }

    /// Gives I/O its turn, and sleeps if nothing is due.
    fn give_way(&mut self) {
        let now = Instant::now();
        let wake = self.next_moment(now);
        let ready = wake <= now || !self.inbox.is_empty();
        let wake = wake.into();
        let draining = self.stage != Stage::Running;
        let Self {
            runtime,
            lines,
            inbox,
            stop,
            place,
            ..
        } = self;
        let moved = async {
            match place {
                Some(place) => place.moved().await,
                None => std::future::pending().await,
            }
        };
        runtime.block_on(async {
            for line in lines {
                line.flush();
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
    fn next_moment(&self, now: Instant) -> Instant {
        let idle = now + PUBLISH;
        let clock = self.record.clock;
        match self.stage {
            Stage::Draining(until) => until.min(idle),
            Stage::Running if self.record.appender.is_full() => now + HELD_UP,
            Stage::Running if clock.is_reached() => match self.halted {
                true => now + HALTED,
                false => now,
            },
            Stage::Running => {
                let due = self.schedule.next().into_iter().chain(self.repairs.next());
                let end = Some(self.end).filter(|end| clock.at(now) < *end);
                let next = due.chain(self.broken.next()).chain(end).min();
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
            self.record.counters.guest_memory = self.crew.memory();
            self.board.publish(&self.record.counters);
        }
    }
}

impl Worker {
    /// The run's clock.
    pub(super) fn clock(&self) -> Clock {
        self.record.clock
    }
}
