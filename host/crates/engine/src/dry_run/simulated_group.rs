//! Simulates the devices of one group.
//!
//! The devices and their cells run on a virtual clock, from the first tick to the last. The
//! caller evaluates their messages.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::dry_run::result::{DryRunOptions, GroupResult, MIN_INTERVALS, RunTicks};
use crate::dry_run::sample::Sample;
use crate::faults::group_faults::MessageKey;
use crate::group::device_group::Group;
use crate::prepare::create_error::CreateError;
use crate::time::clock::{Micros, micros};
use crate::time::{
    event_queue::EventQueue,
    tick_schedule::{DevicePhase, TickSchedule, TickTime},
};
use crate::worker::recorder::shared;
use mockfleet_config::Target;
use mockfleet_plugin::{CallError, Cell, Console, DeviceHandle, Tick, Turn};

/// Largest number of phases that are listed for a group. Gaps between more phases are shorter
/// than any use of the list needs.
const MAX_PHASES: u32 = 100_000;

/// A simulated device.
struct SimulatedDevice {
    /// The device's index in its group.
    index: u32,
    owner: DevicePhase,
    /// Whole intervals before the device is switched on. The simulation switches on all
    /// devices at once, and subtracts this time.
    shift: Micros,
    first: TickTime,
    tick: TickTime,
    ticks: u64,
    messages: u64,
    status: Option<Rc<str>>,
    cell: usize,
    /// `None` once the device has crashed or retired.
    seat: Option<DeviceHandle>,
    /// Due times of the ticks, and the number of messages that each tick returned.
    said: Vec<(Micros, u32)>,
}

/// Returns the values that a device's tick times derive from. In a run, stages decide when each
/// device is switched on. Here, all devices of such a group are on from the start.
fn owner(group: &Group, index: u32) -> DevicePhase {
    let born = match group.schedule.stages() {
        Some(_) => 0,
        None => group.born(index),
    };
    group.owner(index, born)
}

/// Returns the payloads of the rows of one message: as faults change it, with its copies.
fn rows(group: &Group, said: MessageKey, payload: Vec<u8>) -> Vec<Vec<u8>> {
    let Some(faults) = &group.faults else {
        return vec![payload];
    };
    let payload = Bytes::from(payload);
    let touched = faults.effect_on(said, &payload);
    let copies = touched.as_ref().map_or(0, |touched| touched.copies);
    let left = touched
        .and_then(|touched| touched.payload)
        .unwrap_or(payload);
    vec![left.into(); 1 + usize::from(copies)]
}

/// A group while it is simulated.
pub(crate) struct SimulatedGroup<'a> {
    number: usize,
    group: &'a Group,
    /// The schedule without the effect of stages.
    schedule: TickSchedule,
    console: &'a Console,
    /// Start of the run that guests receive, in microseconds since 1970.
    origin: u64,
    devices: Vec<SimulatedDevice>,
    cells: Vec<Option<Cell>>,
    /// The end of the simulation, and the time that it has reached.
    until: Micros,
    reached: Micros,
    every: Micros,
    ticks: u64,
    failed: u64,
    crashed_devices: u64,
    retired: u64,
    fault: Option<String>,
    sample: Sample,
}

impl<'a> SimulatedGroup<'a> {
    pub(crate) fn new(
        number: usize,
        group: &'a Group,
        target: Option<&Target>,
        console: &'a Console,
        how: DryRunOptions,
        origin: u64,
    ) -> Self {
        let sampled = how.devices.clamp(1, group.count.max(1));
        let schedule = group.schedule.steady();
        let every = schedule.interval();
        let place = |n: u32| u64::from(n) * u64::from(group.count) / u64::from(sampled);
        let devices = (0..sampled).map(|n| {
            let index = u32::try_from(place(n)).unwrap_or(u32::MAX);
            let owner = owner(group, index);
            let first = schedule.first(owner);
            SimulatedDevice {
                index,
                owner,
                shift: owner.born - owner.born % every,
                first,
                tick: first,
                ticks: 0,
                messages: 0,
                status: None,
                cell: 0,
                seat: None,
                said: Vec::new(),
            }
        });
        let devices = devices.collect();
        let until = micros(how.time).max(every.saturating_mul(MIN_INTERVALS));
        Self {
            number,
            group,
            schedule,
            console,
            origin,
            devices,
            cells: Vec::new(),
            until,
            reached: until,
            every,
            ticks: 0,
            failed: 0,
            crashed_devices: 0,
            retired: 0,
            fault: None,
            sample: Sample::new(group, target, sampled),
        }
    }

    /// Creates cells and devices as a run does.
    pub(crate) fn make(&mut self, create_errors: &mut Vec<CreateError>) {
        let group = self.group;
        let size = usize::try_from(group.devices_per_cell).unwrap_or(usize::MAX);
        for devices in self.devices.chunks_mut(size) {
            let number = self.cells.len();
            let mut refuse = |device: &SimulatedDevice, error: CallError| {
                create_errors.push(CreateError {
                    group: self.number,
                    slot: device.index,
                    device: group.id(device.index),
                    error,
                });
            };
            let made = Cell::new(
                &group.plugin,
                &group.limits,
                &group.surroundings,
                self.console,
            );
            let mut cell = match made {
                Ok(cell) => cell,
                Err(fault) => {
                    if let Some(device) = devices.first() {
                        refuse(device, CallError::Crash(fault));
                    }
                    continue;
                }
            };
            for device in devices {
                device.cell = number;
                let spec = group.spec(device.index, self.origin.saturating_add(device.owner.born));
                match cell.create(&spec) {
                    Ok(seat) => device.seat = Some(seat),
                    Err(error) => refuse(device, error),
                }
            }
            self.cells.push(Some(cell));
        }
    }

    /// Runs all ticks in order, until the time is over or the sample is full.
    pub(crate) fn simulate(&mut self) {
        let mut queue = EventQueue::default();
        for (slot, device) in (0u32..).zip(&self.devices) {
            queue.push(device.tick.due.saturating_sub(device.shift), slot);
        }
        let mut before = 0;
        while let Some((at, slot)) = queue.pop(self.until.saturating_sub(1)) {
            // Devices that are due at the same time still run, so that all devices are
            // simulated for the same time.
            if self.sample.is_full() && at > before {
                self.reached = at;
                break;
            }
            before = at;
            if let Some(next) = self.tick(slot, at) {
                queue.push(next, slot);
            }
        }
    }

    /// Runs a tick, and returns the time of the next one.
    fn tick(&mut self, slot: u32, at: Micros) -> Option<Micros> {
        let place = usize::try_from(slot).ok()?;
        let device = self.devices.get_mut(place)?;
        let seat = device.seat?;
        let cell = self.cells.get_mut(device.cell)?.as_mut()?;
        self.ticks += 1;
        let due = device.tick.due;
        let tick = Tick {
            at: self
                .group
                .device_time(device.index, due, self.origin.saturating_add(due)),
            sequence: device.ticks,
        };
        device.ticks += 1;
        let asked = match cell.tick(seat, tick) {
            Ok(turn) => {
                let asked = turn.next_tick;
                self.record_turn(slot, at, turn);
                asked
            }
            Err(error) => {
                self.handle_call_error(slot, error);
                None
            }
        };
        let device = self.devices.get_mut(place)?;
        device.seat?;
        let nominal = device.tick.nominal;
        device.tick = self.schedule.following(nominal, asked, device.owner);
        Some(device.tick.due.saturating_sub(device.shift))
    }

    fn record_turn(&mut self, slot: u32, at: Micros, turn: Turn) {
        let known = |channel: &str| self.group.routes.number(channel);
        if turn.messages.iter().any(|m| known(&m.channel).is_none()) {
            // As in a run, a turn with an unknown channel sends nothing.
            self.failed += 1;
            return;
        }
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(device) = self.devices.get_mut(place) else {
            return;
        };
        let before = device.status.as_deref();
        if let Some(status) = turn.status.filter(|status| before != Some(status.as_str())) {
            let status = shared(&status);
            device.status = Some(Rc::clone(&status));
            self.sample.status(at, slot, status);
        }
        let messages = u32::try_from(turn.messages.len()).unwrap_or(u32::MAX);
        device.said.push((device.tick.due, messages));
        for message in turn.messages {
            let route = known(&message.channel).unwrap_or_default();
            let status = device.status.clone();
            let said = MessageKey {
                seed: device.owner.seed,
                seq: device.messages,
                at: device.tick.due,
                route,
            };
            device.messages += 1;
            for payload in rows(self.group, said, message.payload) {
                let status = status.clone();
                self.sample.message(at, slot, route, status, payload);
            }
        }
    }

    fn handle_call_error(&mut self, slot: u32, error: CallError) {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(device) = self.devices.get_mut(place) else {
            return;
        };
        match error {
            CallError::InvalidConfig(_) | CallError::Failed(_) => self.failed += 1,
            CallError::Retired(_) => {
                self.retired += 1;
                device.seat = None;
            }
            CallError::Crash(fault) => {
                let crashed_devices = device.cell;
                if let Some(cell) = self.cells.get_mut(crashed_devices) {
                    *cell = None;
                }
                let id = self.group.id(device.index);
                self.fault
                    .get_or_insert_with(|| format!("device {id}: {fault}"));
                for device in &mut self.devices {
                    if device.cell == crashed_devices && device.seat.take().is_some() {
                        self.crashed_devices += 1;
                    }
                }
            }
        }
    }

    /// Returns the result of the group. A run of the fleet would end at `end`.
    pub(crate) fn into_result(self, end: Option<Micros>) -> GroupResult {
        let group = self.group;
        let due = |device: &SimulatedDevice, until: Micros| {
            let end = device.shift.saturating_add(self.reached).min(until);
            self.schedule.remaining(device.first, end, device.owner)
        };
        let run = end.map(|end| {
            let mut span = RunTicks::default();
            for device in &self.devices {
                span.sampled_due += due(device, end);
                let said = device.said.iter().filter(|(at, _)| *at < end);
                span.sampled_messages +=
                    said.map(|(_, messages)| u64::from(*messages)).sum::<u64>();
            }
            for index in 0..group.count {
                let owner = group.owner(index, group.born(index));
                if owner.born < end {
                    let first = group.schedule.first(owner);
                    span.due += group.schedule.remaining(first, end, owner);
                }
            }
            span
        });
        let step = usize::try_from(group.count.div_ceil(MAX_PHASES)).unwrap_or(1);
        let mut phases: Vec<u64> = (0..group.count)
            .step_by(step)
            .map(|index| self.schedule.first(owner(group, index)).nominal % self.every)
            .collect();
        phases.sort_unstable();
        GroupResult {
            name: group.name.to_string(),
            devices: group.count,
            sampled: u32::try_from(self.devices.len()).unwrap_or(u32::MAX),
            time: Duration::from_micros(self.reached),
            due: self.devices.iter().map(|p| due(p, Micros::MAX)).sum(),
            ticks: self.ticks,
            failed: self.failed,
            fallen: self.crashed_devices,
            retired: self.retired,
            fault: self.fault,
            every: Duration::from_micros(self.every),
            stages: group.schedule.stages().is_some(),
            phases,
            run,
            sample: self.sample,
        }
    }
}
