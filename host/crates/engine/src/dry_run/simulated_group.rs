//! Simulates the devices of one group.
//!
//! The devices and their cells run on a virtual clock, from the first tick to the last. The
//! caller evaluates their messages.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::dry_run::calendar::Calendar;
use crate::dry_run::result::{GroupResult, RunTicks, SteadyTicks};
use crate::dry_run::sample::Sample;
use crate::dry_run::simulated_device::{SimulatedDevice, owner};
use crate::dry_run::simulated_span::SimulatedSpan;
use crate::faults::group_faults::MessageKey;
use crate::group::device_group::Group;
use crate::group::turn_check::stray_channel;
use crate::prepare::create_error::CreateError;
use crate::time::clock::Micros;
use crate::time::{
    event_queue::EventQueue,
    tick_schedule::{MIN_TICK_INTERVAL, TickSchedule},
};
use crate::worker::recorder::shared;
use mockfleet_config::Target;
use mockfleet_plugin::{CallError, Cell, Console, Tick, Turn};

/// Largest number of phases that are listed for a group. Gaps between more phases are shorter
/// than any use of the list needs.
const MAX_PHASES: u32 = 100_000;

/// Largest number of ticks of a group with cron patterns or waits.
const MAX_CALENDAR_TICKS: u64 = 2_000_000;

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
    calendar: Option<Calendar>,
    every: Micros,
    ticks: u64,
    failed: u64,
    crashed_devices: u64,
    retired: u64,
    fault: Option<String>,
    sample: Sample,
    /// Rows of the devices' starts. They are not repeated, as those of ticks are.
    start_rows: u64,
}

impl<'a> SimulatedGroup<'a> {
    pub(crate) fn new(
        number: usize,
        group: &'a Group,
        target: Option<&Target>,
        console: &'a Console,
        span: SimulatedSpan,
        origin: u64,
    ) -> Self {
        let sampled = span.devices;
        let schedule = group.schedule.steady();
        let every = schedule.interval();
        let place = |n: u32| u64::from(n) * u64::from(group.count) / u64::from(sampled);
        let devices = (0..sampled).map(|n| {
            let index = u32::try_from(place(n)).unwrap_or(u32::MAX);
            SimulatedDevice::new(group, &schedule, index)
        });
        let devices = devices.collect();
        let until = span.until;
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
            calendar: span.calendar,
            every,
            ticks: 0,
            failed: 0,
            crashed_devices: 0,
            retired: 0,
            fault: None,
            sample: Sample::new(group, target, sampled),
            start_rows: 0,
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
            let due = match device.is_unstarted {
                true => device.owner.born,
                false => device.tick.due,
            };
            queue.push(due.saturating_sub(device.shift), slot);
        }
        let mut before = 0;
        while let Some((at, slot)) = queue.pop(self.until.saturating_sub(1)) {
            // Devices that are due at the same time still run, so that all devices are
            // simulated for the same time.
            // A longer simulation counts messages beyond the sample, up to a number of ticks.
            let is_over = match self.calendar {
                None => self.sample.is_full(),
                Some(_) => self.ticks >= MAX_CALENDAR_TICKS,
            };
            if is_over && at > before {
                self.reached = at;
                break;
            }
            before = at;
            if let Some(next) = self.call(slot, at) {
                queue.push(next, slot);
            }
        }
    }

    /// Runs the start of a device or a tick, and returns the time of its next call.
    fn call(&mut self, slot: u32, at: Micros) -> Option<Micros> {
        let device = self.devices.get_mut(usize::try_from(slot).ok()?)?;
        match std::mem::take(&mut device.is_unstarted) {
            true => self.start(slot, at),
            false => self.tick(slot, at),
        }
    }

    /// Runs the start of a device, and returns the time of its first tick.
    fn start(&mut self, slot: u32, at: Micros) -> Option<Micros> {
        let place = usize::try_from(slot).ok()?;
        let device = self.devices.get_mut(place)?;
        let seat = device.seat?;
        let cell = self.cells.get_mut(device.cell)?.as_mut()?;
        let (group, origin, index) = (self.group, self.origin, device.index);
        let seen = |at: Micros| group.device_time(index, at, origin.saturating_add(at));
        let born = device.owner.born;
        match cell.start(seat, seen(born), Some(seen(device.tick.due))) {
            Ok(turn) => {
                if let Some(length) = turn.next_tick {
                    let next = born.saturating_add(length.max(MIN_TICK_INTERVAL));
                    device.tick = self.schedule.at(next, device.owner);
                }
                let before = self.sample.messages();
                self.record_turn(slot, at, born, turn);
                self.start_rows += self.sample.messages() - before;
            }
            Err(error) => self.handle_call_error(slot, error),
        }
        let device = self.devices.get(place)?;
        device.seat?;
        Some(device.tick.due.saturating_sub(device.shift))
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
                let messages = u32::try_from(turn.messages.len()).unwrap_or(u32::MAX);
                if self.record_turn(slot, at, due, turn) {
                    self.devices.get_mut(place)?.said.push((due, messages));
                }
                asked
            }
            Err(error) => {
                self.handle_call_error(slot, error);
                None
            }
        };
        let device = self.devices.get_mut(place)?;
        device.seat?;
        device.tick = self.schedule.following(device.tick, asked, device.owner);
        Some(device.tick.due.saturating_sub(device.shift))
    }

    /// Records the turn of a call at the run time `due`. Returns whether it is sent.
    fn record_turn(&mut self, slot: u32, at: Micros, due: Micros, turn: Turn) -> bool {
        let known = |channel: &str| self.group.routes.number(channel);
        let has_route = |channel: &str| known(channel).is_some();
        if stray_channel(&turn.messages, true, has_route).is_some() {
            // As in a run, a turn with an unknown channel sends nothing.
            self.failed += 1;
            return false;
        }
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(device) = self.devices.get_mut(place) else {
            return false;
        };
        let before = device.status.as_deref();
        if let Some(status) = turn.status.filter(|status| before != Some(status.as_str())) {
            let status = shared(&status);
            device.status = Some(Rc::clone(&status));
            self.sample.status(at, slot, status);
        }
        for message in turn.messages {
            let route = known(&message.channel).unwrap_or_default();
            let status = device.status.clone();
            let said = MessageKey {
                seed: device.owner.seed,
                seq: device.messages,
                at: due,
                route,
            };
            device.messages += 1;
            for payload in rows(self.group, said, message.payload) {
                let status = status.clone();
                self.sample.message(at, slot, route, status, payload);
            }
        }
        true
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

    /// Returns the time that represents any later time: all of the simulation, or the whole
    /// periods of cron patterns after the first interval, in which each device has its first
    /// tick.
    fn window(&self) -> (Micros, Micros) {
        match self.calendar {
            Some(calendar) if self.every < self.reached => {
                let end = calendar.window_end(self.every, self.reached);
                (self.every, end)
            }
            _ => (0, self.reached),
        }
    }

    /// Returns the times of the simulation at which a device returned messages, with their
    /// numbers, within a window.
    fn said(&self, (from, to): (Micros, Micros)) -> impl Iterator<Item = (Micros, u32)> {
        self.devices.iter().flat_map(move |device| {
            let said = device.said.iter();
            said.map(|(due, messages)| (due.saturating_sub(device.shift), *messages))
                .filter(move |(at, _)| (from..to).contains(at))
        })
    }

    fn steady(&self, (from, to): (Micros, Micros)) -> SteadyTicks {
        if self.calendar.is_none() {
            return SteadyTicks {
                due: self.due_before(self.reached),
                messages: float(self.sample.messages() - self.start_rows),
            };
        }
        let count = |window| -> u64 {
            let said = self.said(window);
            said.map(|(_, messages)| u64::from(messages)).sum()
        };
        // Faults copy messages, and a copy is a row too.
        let rows = self.sample.messages() - self.start_rows;
        let copies = float(rows) / float(count((0, Micros::MAX)).max(1));
        SteadyTicks {
            due: self.due_before(to) - self.due_before(from),
            messages: float(count((from, to))) * copies,
        }
    }

    /// Returns the ticks of the schedule of all simulated devices before a time of the
    /// simulation.
    fn due_before(&self, at: Micros) -> u64 {
        let due = self.devices.iter().map(|device| {
            let end = device.shift.saturating_add(at);
            self.schedule.remaining(device.first, end, device.owner)
        });
        due.sum()
    }

    /// Returns the phases of the ticks of all devices within the interval.
    fn tick_phases(&self) -> Vec<u64> {
        let group = self.group;
        let step = usize::try_from(group.count.div_ceil(MAX_PHASES)).unwrap_or(1);
        let mut phases: Vec<u64> = (0..group.count)
            .step_by(step)
            .map(|index| self.schedule.first(owner(group, index)).nominal % self.every)
            .collect();
        phases.sort_unstable();
        phases
    }

    /// Returns the times within a window at which messages are due, as phases of its length.
    fn message_phases(&self, window: (Micros, Micros)) -> Vec<u64> {
        let cycle = (window.1 - window.0).max(1);
        let said = self.said(window).filter(|(_, messages)| *messages > 0);
        let mut phases: Vec<u64> = said.map(|(at, _)| at % cycle).collect();
        phases.sort_unstable();
        phases.dedup();
        let most = usize::try_from(MAX_PHASES).unwrap_or(usize::MAX);
        let step = phases.len().div_ceil(most).max(1);
        phases.into_iter().step_by(step).collect()
    }

    /// Returns the result of the group. A run of the fleet would end at `end`.
    pub(crate) fn into_result(mut self, end: Option<Micros>) -> GroupResult {
        self.sample.fit_into_an_hour(self.reached);
        let group = self.group;
        let due = |device: &SimulatedDevice, until: Micros| {
            let end = device.shift.saturating_add(self.reached).min(until);
            self.schedule.remaining(device.first, end, device.owner)
        };
        let run = end.map(|end| {
            let mut span = RunTicks {
                is_extrapolated: self.calendar.is_some() && self.reached < end,
                ..RunTicks::default()
            };
            for device in &self.devices {
                span.sampled_due += due(device, end);
                let said = device.said.iter().filter(|(at, _)| *at < end);
                span.sampled_messages +=
                    said.map(|(_, messages)| u64::from(*messages)).sum::<u64>();
            }
            let mut born = 0;
            for index in 0..group.count {
                let owner = group.owner(index, group.born(index));
                if owner.born < end {
                    let first = group.schedule.first(owner);
                    span.due += group.schedule.remaining(first, end, owner);
                    born += 1;
                }
            }
            let sampled = u64::try_from(self.devices.len()).unwrap_or(u64::MAX);
            span.start_messages = self.start_rows.saturating_mul(born) / sampled.max(1);
            span
        });
        let window = self.window();
        let (cycle, phases) = match self.calendar {
            Some(_) => (window.1 - window.0, self.message_phases(window)),
            None => (self.every, self.tick_phases()),
        };
        GroupResult {
            name: group.name.to_string(),
            devices: group.count,
            sampled: u32::try_from(self.devices.len()).unwrap_or(u32::MAX),
            time: Duration::from_micros(self.reached),
            due: self.due_before(self.reached),
            ticks: self.ticks,
            failed: self.failed,
            fallen: self.crashed_devices,
            retired: self.retired,
            fault: self.fault.clone(),
            every: Duration::from_micros(self.every),
            steady: self.steady(window),
            cycle: Duration::from_micros(cycle),
            uncovered: self
                .calendar
                .and_then(|calendar| calendar.uncovered(self.every, self.reached))
                .map(Duration::from_micros),
            stages: group.schedule.stages().is_some(),
            phases,
            run,
            sample: self.sample,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}
