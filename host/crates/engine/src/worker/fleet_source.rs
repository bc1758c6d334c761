//! Calls the due devices of a fleet, and sends their messages.
//!
//! This file is the main path. `transport_events` handles the events of transports, `supervisor`
//! failed calls, `injection` the faults, and `virtual_time` runs that do not wait for the clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::group::device_group::Group;
use crate::group::turn_check::stray_channel;
use crate::prepare::create_error::CreateError;
use crate::time::bounded_lag::VirtualTime;
use crate::time::clock::{Clock, Micros};
use crate::time::tick_schedule::TickTime;
use crate::worker::calls::call_kind::CallKind;
use crate::worker::calls::pending_calls::PendingCalls;
use crate::worker::calls::restart::Restart;
use crate::worker::devices::{Device, DeviceEntry, DeviceState, DeviceTable};
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::shared;
use crate::worker::schedule::Schedule;
use crate::worker::send_path::{Injection, SendPath, Sender};
use crate::worker::worker_loop::{BATCH, DRAIN, Source, WorkerContext};
use mockfleet_plugin::{Interests, Link, Turn};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{DeviceIndex, Envelope, LinkAction, TransportEvent};

/// The devices of one worker, with all that is due for them.
pub(crate) struct FleetSource {
    pub(crate) devices: DeviceTable,
    pub(crate) schedule: Schedule,
    /// Calls that events cause.
    pub(crate) calls: PendingCalls,
    /// Instances that are being created again.
    pub(crate) restarts: VecDeque<Restart>,
    /// Whether devices wait for memory.
    pub(crate) is_held: bool,
    /// Pending actions of injected faults.
    pub(crate) faults: PendingFaults,
    pub(crate) virtual_time: VirtualTime,
    /// Time at which the devices that exist see the run start, in microseconds since the Unix
    /// epoch.
    pub(crate) planned_start: u64,
    /// Whether connections of the start are opened before the clock starts.
    pub(crate) connects_first: bool,
}

impl Source for FleetSource {
    fn connect(&mut self, io: &mut WorkerIo) {
        for slot in self.slots().filter(|_| self.connects_first) {
            if let Some((device, group)) = self.devices.with_group(slot)
                && group.is_on_at_start(device.born)
                && io.has_connections(group.target)
            {
                device.state = DeviceState::Connecting;
                io.join(group.target, slot, group.member(device.index));
            }
        }
    }

    /// Creates the devices again if the clock starts later than planned.
    fn set_clock(&mut self, clock: &Clock, rest: &mut dyn FnMut()) -> Vec<String> {
        if clock.guest(0) == self.planned_start {
            return Vec::new();
        }
        tracing::info!("devices are created again, for a later start");
        let errors = self.devices.create_again(|at| clock.guest(at), rest);
        errors
            .iter()
            .map(|CreateError { device, error, .. }| {
                format!("device {device} could not be created again: {error}")
            })
            .collect()
    }

    /// Switches on the devices whose connections were opened, and schedules the start of the
    /// others.
    fn start(&mut self, cx: &mut WorkerContext) {
        for slot in self.slots() {
            let Some(device) = self.devices.device(slot) else {
                continue;
            };
            if device.state == DeviceState::Connecting {
                self.start_device(cx, slot);
            } else if device.born < self.schedule.end {
                self.schedule.ticks.push(device.born, device.group, slot);
            }
        }
    }

    fn run_due(&mut self, cx: &mut WorkerContext) {
        let began = Instant::now();
        let has_restarted = self.restart_instances(cx);
        self.run_pending_faults(cx);
        let has_called = self.run_pending_calls(cx);
        if !cx.is_running() || cx.log_is_full() || !self.has_memory(cx) {
            return;
        }
        self.schedule.ticks.rate_scale.refresh();
        if cx.record.clock.is_virtual() {
            return self.run_virtual(cx);
        }
        let clock = cx.record.clock;
        let mut moment = match has_restarted || has_called {
            true => Instant::now(),
            false => began,
        };
        // After long calls of events or restarts, ticks have as much time.
        let until = moment + BATCH.max(moment.saturating_duration_since(began));
        let mut now = clock.at(moment);
        while let Some((due, slot)) = self.schedule.ticks.pop(now) {
            self.run_device(cx, slot, due, now);
            let after = Instant::now();
            let spent = after.saturating_duration_since(moment);
            self.schedule.ticks.charge(spent);
            moment = after;
            if moment >= until {
                break;
            }
            now = clock.at(moment);
        }
    }

    fn handle_event(&mut self, cx: &mut WorkerContext, event: TransportEvent) {
        self.handle_transport_event(cx, event);
    }

    fn next_wakeup(&self, cx: &WorkerContext, now: Instant) -> Option<Instant> {
        let clock = cx.record.clock;
        if clock.is_virtual() {
            return Some(self.virtual_time.next_wakeup(now));
        }
        if self.has_restarts() || !self.calls.is_empty() {
            return Some(now);
        }
        // Without memory, ticks wait for the event of a completed message, which wakes the worker.
        let ticks = self.schedule.ticks.next_due();
        let ticks = ticks.filter(|_| cx.io.inbox.budget().has_room());
        let due = ticks.into_iter().chain(self.schedule.restarts.next_due());
        let due = due.chain(self.calls.next_due());
        let end = Some(self.schedule.end).filter(|end| clock.at(now) < *end);
        let next = due.chain(self.faults.next_due()).chain(end).min()?;
        clock.instant(next)
    }

    fn is_finished(&self, cx: &WorkerContext) -> bool {
        let end = self.schedule.end;
        let devices = u64::try_from(self.devices.len()).unwrap_or(u64::MAX);
        let all_retired = cx.record.counters.retired == devices;
        let ran_out = cx.now() >= end && self.schedule.ticks.next_due().is_none();
        // The log has taken no row for so long that it never will.
        let is_stuck = end != Micros::MAX
            && cx
                .record
                .clock
                .instant(end)
                .is_some_and(|end| Instant::now() >= end + DRAIN);
        all_retired || ran_out || is_stuck
    }

    fn stop(&mut self, cx: &mut WorkerContext, interrupted: bool) {
        let end = if interrupted {
            cx.now()
        } else {
            self.schedule.end
        };
        let end = self.schedule.ticks.rate_scale.schedule_time(end);
        self.count_unrun_ticks(cx, end);
        self.schedule.ticks.clear();
        self.heal_all(cx);
    }

    fn finish_events(&mut self, cx: &mut WorkerContext) {
        self.run_all_calls(cx);
    }

    fn event_memory(&self) -> usize {
        self.calls.bytes()
    }

    fn guest_memory(&self) -> u64 {
        self.devices.memory()
    }

    async fn other_clock_advanced(&self) {
        self.virtual_time.other_clock_advanced().await;
    }
}

impl FleetSource {
    fn slots(&self) -> std::ops::Range<DeviceIndex> {
        0..DeviceIndex::try_from(self.devices.len()).unwrap_or(DeviceIndex::MAX)
    }

    /// Starts or calls a device that the schedule had due at `due`. After a call it sends the
    /// messages, and schedules the next tick.
    pub(crate) fn run_device(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        due: Micros,
        now: Micros,
    ) {
        let Some(mut entry) = self.devices.entry(slot) else {
            return;
        };
        match entry.device.state {
            DeviceState::Created => return self.start_device(cx, slot),
            DeviceState::Scheduled if entry.device.tick.due == due => {}
            // An event has moved the tick to another time, or the device waits or is retired.
            DeviceState::Connecting
            | DeviceState::Scheduled
            | DeviceState::Idle
            | DeviceState::Retired => return,
        }
        let can_call = entry.can_call();
        let DeviceEntry { device, group, .. } = &mut entry;
        device.state = DeviceState::Idle;
        if !can_call {
            // Scheduled again when its instance restarts.
            return;
        }
        if group.schedule.is_flat_out() && device.open >= group.outbox {
            // Scheduled again when there is room.
            return;
        }
        let owner = group.owner(device.index, device.born);
        let rate_scale = &self.schedule.ticks.rate_scale;
        let reached = rate_scale.schedule_time(now);
        let catch = group
            .schedule
            .catch_up(device.tick, reached, self.schedule.end, owner);
        let counters = &mut cx.record.counters;
        group.count_tick(device.group, counters, device.tick, &catch, owner);
        cx.record.missed(
            device,
            group,
            catch.missed,
            "the device was behind when its next tick was due",
        );
        device.tick = catch.tick;
        let due = rate_scale.run_time(catch.tick.due);
        cx.record.counters.ticks += 1;
        cx.record.ticked(device.group, due);
        let clock = cx.record.clock;
        if !clock.is_virtual() {
            let late = clock.to_real(now.saturating_sub(due));
            cx.record.called_late(late);
        }
        let device_time = group.device_time(device.index, due, clock.guest(due));
        match entry.tick(device_time) {
            Ok(turn) => {
                let asked = turn.next_tick;
                apply(cx, &mut entry, &mut self.faults, due, turn, CallKind::Tick);
                schedule_following(cx, &mut entry, &mut self.schedule, asked);
            }
            Err(error) => {
                self.handle_call_error(cx, slot, "tick", error);
                if let Some(mut entry) = self.devices.entry(slot) {
                    schedule_following(cx, &mut entry, &mut self.schedule, None);
                }
            }
        }
    }

    fn start_device(&mut self, cx: &mut WorkerContext, slot: DeviceIndex) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let is_connecting = device.state == DeviceState::Connecting;
        device.state = DeviceState::Idle;
        let born = self.schedule.ticks.rate_scale.run_time(device.born);
        cx.record.counters.born += 1;
        group.count_active(device.group, &mut cx.record.counters, true);
        cx.record.event(device, group, born, EventKind::Born, None);
        if !is_connecting {
            cx.io.join(group.target, slot, group.member(device.index));
        }
        let has_connection = cx.io.has_connections(group.target);
        cx.record.counters.to_connect += u64::from(has_connection);
        let end = self.schedule.end;
        self.faults.schedule_link_faults(slot, device, group, end);
        self.begin_device(cx, slot, born);
    }

    /// Begins the ticks of a device that is switched on, or continues after a restart. A device
    /// that is interested in its start is called for it first, at the run time `at`, and may
    /// request another time for its next tick.
    pub(crate) fn begin_device(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, at: Micros) {
        let Some(mut entry) = self.devices.entry(slot) else {
            return;
        };
        let group = entry.group;
        let mut requested = None;
        if group.interests.contains(Interests::START) && entry.can_call() {
            let index = entry.device.index;
            let clock = cx.record.clock;
            let seen = |at| group.device_time(index, at, clock.guest(at));
            let first_tick = self.schedule.pending_tick(entry.device, group, at);
            let first_tick = first_tick.map(seen);
            cx.record.counters.event_calls += 1;
            match entry.start(seen(at), first_tick) {
                Ok(turn) => {
                    requested = turn.next_tick;
                    apply(cx, &mut entry, &mut self.faults, at, turn, CallKind::Start);
                }
                Err(error) => self.handle_call_error(cx, slot, "start", error),
            }
        }
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        if let Some(length) = requested {
            let tick = self.schedule.requested_tick(device, group, at, length);
            let reached = self.schedule.ticks.rate_scale.schedule_time(at);
            count_passed_ticks(cx, device, group, reached);
            self.schedule.set_next_tick(slot, device, tick);
        } else if device.state == DeviceState::Idle {
            let mut tick = device.tick;
            if group.schedule.is_flat_out() {
                tick.due = tick.due.max(at);
            }
            self.schedule.set_next_tick(slot, device, tick);
        }
    }

    /// Counts the ticks that were due and are not run: those of devices whose instance is down or,
    /// if the log took no more rows or there was no memory, of all.
    fn count_unrun_ticks(&mut self, cx: &mut WorkerContext, end: Micros) {
        let log_is_full = cx.log_is_full();
        for slot in self.slots() {
            let Some(entry) = self.devices.entry(slot) else {
                continue;
            };
            let is_down = !entry.can_call();
            let DeviceEntry { device, group, .. } = entry;
            let why = if is_down {
                "its cell was down"
            } else if log_is_full {
                "the send log could not take more rows"
            } else if self.is_held {
                "there was no memory for messages on their way (in-flight in [limits])"
            } else {
                continue;
            };
            if device.state.is_active() {
                let owner = group.owner(device.index, device.born);
                let left = group.schedule.remaining(device.tick, end, owner);
                let counters = &mut cx.record.counters;
                group.count_missed(device.group, counters, device.tick, left, owner);
                cx.record.missed(device, group, left, why);
            }
        }
    }
}

/// Counts the ticks of a device before the schedule time `reached` as missed: its instance was
/// down, and a tick at another time comes in their place.
fn count_passed_ticks(cx: &mut WorkerContext, device: &Device, group: &Group, reached: Micros) {
    if group.schedule.is_flat_out() {
        return;
    }
    let owner = group.owner(device.index, device.born);
    let passed = group.schedule.remaining(device.tick, reached, owner);
    let counters = &mut cx.record.counters;
    group.count_missed(device.group, counters, device.tick, passed, owner);
    cx.record.missed(device, group, passed, "its cell was down");
}

/// Schedules the tick after the one that a device has just had, at the interval that the device
/// `asked` for, or its group has.
fn schedule_following(
    cx: &WorkerContext,
    entry: &mut DeviceEntry<'_>,
    schedule: &mut Schedule,
    asked: Option<Micros>,
) {
    let DeviceEntry {
        slot,
        device,
        group,
        ..
    } = entry;
    let owner = group.owner(device.index, device.born);
    let mut tick = group.schedule.following(device.tick, asked, owner);
    if group.schedule.is_flat_out() {
        let due = tick.due.max(cx.now());
        tick = TickTime { nominal: due, due };
    }
    schedule.set_next_tick(*slot, device, tick);
}

/// Sends the messages that a call returned, and performs its other requests. `at` is the time for
/// which the device was called.
pub(crate) fn apply(
    cx: &mut WorkerContext,
    entry: &mut DeviceEntry<'_>,
    faults: &mut PendingFaults,
    at: Micros,
    turn: Turn,
    call: CallKind,
) {
    let DeviceEntry {
        slot,
        device,
        group,
        ..
    } = entry;
    let (slot, group) = (*slot, *group);
    let has_route = |channel: &str| group.routes.number(channel).is_some();
    if let Some(why) = stray_channel(&turn.messages, true, has_route) {
        return cx.record.failed_call(device, group, call.name(), &why);
    }
    let known = device.status.as_deref();
    if let Some(status) = turn.status.filter(|status| known != Some(status.as_str())) {
        cx.record
            .event(device, group, at, EventKind::Status, Some(&status));
        cx.record.reported_status(device, group, &status);
        device.status = Some(shared(&status));
    }
    let Some(transport) = cx.io.transports.get_mut(group.target) else {
        return;
    };
    let mut path = SendPath {
        sender: Sender {
            number: group.first + device.index,
            route_base: group.route_base,
            open: &mut device.open,
            outbox: group.outbox,
        },
        record: &mut cx.record,
        inbox: &cx.io.inbox,
        transport: &mut **transport,
        sends: cx.sends,
        has_room: !call.is_event() || cx.io.inbox.budget().has_room(),
        injection: group.faults.as_ref().map(|plan| Injection {
            group,
            index: device.index,
            faults: plan,
            pending: faults,
        }),
    };
    for message in turn.messages {
        path.send(Box::new(Envelope {
            device: slot,
            route: group.routes.number(&message.channel).unwrap_or_default(),
            seq: device.messages,
            copy: 0,
            attempt: 0,
            due: at,
            payload: message.payload.into(),
            content_type: message.content_type,
            properties: message.properties,
            status: device.status.clone(),
            topic: None,
            fault: None,
            drops: call.drops(),
        }));
        device.messages += 1;
    }
    match turn.link {
        None => {}
        Some(Link::Reconnect) => transport.apply_link_action(slot, LinkAction::Reconnect),
        Some(Link::Vanish(length)) => {
            let length = Duration::from_micros(cx.record.clock.to_real(length));
            transport.apply_link_action(slot, LinkAction::Vanish(length));
        }
    }
}
