//! A group while it is rehearsed: its devices and their cells on a virtual clock, from
//! the first tick to the last. Knows nothing of what becomes of what they say.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::clock::{Micros, micros};
use super::crew::Refusal;
use super::faults::Said;
use super::group::Group;
use super::record::shared;
use super::rehearse::{BEATS, Rehearsed, Rehearsing, Span};
use super::sample::Sample;
use super::schedule::{Beat, Moment, Owner, Schedule};
use mockfleet_config::Target;
use mockfleet_plugin::{CallError, Cell, Console, DeviceHandle, Tick, Turn};

/// Phases of a group that are looked at one by one; the gaps between more of them are
/// shorter than anything that is asked of them.
const PHASES: u32 = 100_000;

/// A device that is rehearsed.
struct Player {
    /// Its place in its group.
    index: u32,
    owner: Owner,
    /// Whole intervals before it is switched on: in the rehearsal all are on at once.
    shift: Micros,
    first: Moment,
    moment: Moment,
    ticks: u64,
    messages: u64,
    status: Option<Rc<str>>,
    cell: usize,
    /// `None` once it is silent for good.
    seat: Option<DeviceHandle>,
    /// When its ticks were due, and how many messages each returned.
    said: Vec<(Micros, u32)>,
}

/// What a device's moments follow from. Stages of a load say when each is switched on; here, all are.
fn owner(group: &Group, index: u32) -> Owner {
    let born = match group.beat.stages() {
        Some(_) => 0,
        None => group.born(index),
    };
    group.owner(index, born)
}

/// The payloads of the rows that a message becomes: as faults leave it, and its copies.
fn rows(group: &Group, said: Said, payload: Vec<u8>) -> Vec<Vec<u8>> {
    let Some(faults) = &group.faults else {
        return vec![payload];
    };
    let payload = Bytes::from(payload);
    let touched = faults.touch(said, &payload);
    let copies = touched.as_ref().map_or(0, |touched| touched.copies);
    let left = touched
        .and_then(|touched| touched.payload)
        .unwrap_or(payload);
    vec![left.into(); 1 + usize::from(copies)]
}

/// A group while it is rehearsed.
pub(super) struct Scene<'a> {
    number: usize,
    group: &'a Group,
    /// Its schedule as it is where stages change nothing.
    beat: Beat,
    console: &'a Console,
    /// What guests are told the start of the run is.
    origin: u64,
    players: Vec<Player>,
    cells: Vec<Option<Cell>>,
    /// How far it is to go, and how far it came.
    until: Micros,
    reached: Micros,
    every: Micros,
    ticks: u64,
    failed: u64,
    fallen: u64,
    retired: u64,
    fault: Option<String>,
    sample: Sample,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        number: usize,
        group: &'a Group,
        target: Option<&Target>,
        console: &'a Console,
        how: Rehearsing,
        origin: u64,
    ) -> Self {
        let sampled = how.devices.clamp(1, group.count.max(1));
        let beat = group.beat.steady();
        let every = beat.interval();
        let place = |n: u32| u64::from(n) * u64::from(group.count) / u64::from(sampled);
        let players = (0..sampled).map(|n| {
            let index = u32::try_from(place(n)).unwrap_or(u32::MAX);
            let owner = owner(group, index);
            let first = beat.first(owner);
            Player {
                index,
                owner,
                shift: owner.born - owner.born % every,
                first,
                moment: first,
                ticks: 0,
                messages: 0,
                status: None,
                cell: 0,
                seat: None,
                said: Vec::new(),
            }
        });
        let players = players.collect();
        let until = micros(how.time).max(every.saturating_mul(BEATS));
        Self {
            number,
            group,
            beat,
            console,
            origin,
            players,
            cells: Vec::new(),
            until,
            reached: until,
            every,
            ticks: 0,
            failed: 0,
            fallen: 0,
            retired: 0,
            fault: None,
            sample: Sample::new(group, target, sampled),
        }
    }

    /// Makes cells and devices as a run does.
    pub(super) fn make(&mut self, refusals: &mut Vec<Refusal>) {
        let group = self.group;
        let size = usize::try_from(group.devices_per_cell).unwrap_or(usize::MAX);
        for players in self.players.chunks_mut(size) {
            let number = self.cells.len();
            let mut refuse = |player: &Player, error: CallError| {
                refusals.push(Refusal {
                    group: self.number,
                    slot: player.index,
                    device: group.id(player.index),
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
                    if let Some(player) = players.first() {
                        refuse(player, CallError::Crash(fault));
                    }
                    continue;
                }
            };
            for player in players {
                player.cell = number;
                let spec = group.spec(player.index, self.origin.saturating_add(player.owner.born));
                match cell.create(&spec) {
                    Ok(seat) => player.seat = Some(seat),
                    Err(error) => refuse(player, error),
                }
            }
            self.cells.push(Some(cell));
        }
    }

    /// Runs all ticks in their order, until the time is over or enough was said.
    pub(super) fn play(&mut self) {
        let mut schedule = Schedule::default();
        for (slot, player) in (0u32..).zip(&self.players) {
            schedule.arm(player.moment.due.saturating_sub(player.shift), slot);
        }
        let mut before = 0;
        while let Some((at, slot)) = schedule.pop(self.until.saturating_sub(1)) {
            // Whoever is due at the same moment is heard too, so that all were heard for
            // the same time.
            if self.sample.is_full() && at > before {
                self.reached = at;
                break;
            }
            before = at;
            if let Some(next) = self.tick(slot, at) {
                schedule.arm(next, slot);
            }
        }
    }

    /// Runs a tick; says when the next one is.
    fn tick(&mut self, slot: u32, at: Micros) -> Option<Micros> {
        let place = usize::try_from(slot).ok()?;
        let player = self.players.get_mut(place)?;
        let seat = player.seat?;
        let cell = self.cells.get_mut(player.cell)?.as_mut()?;
        self.ticks += 1;
        let due = player.moment.due;
        let tick = Tick {
            at: self
                .group
                .told(player.index, due, self.origin.saturating_add(due)),
            sequence: player.ticks,
        };
        player.ticks += 1;
        let asked = match cell.tick(seat, tick) {
            Ok(turn) => {
                let asked = turn.next_tick;
                self.take(slot, at, turn);
                asked
            }
            Err(error) => {
                self.went_wrong(slot, error);
                None
            }
        };
        let player = self.players.get_mut(place)?;
        player.seat?;
        let nominal = player.moment.nominal;
        player.moment = self.beat.following(nominal, asked, player.owner);
        Some(player.moment.due.saturating_sub(player.shift))
    }

    fn take(&mut self, slot: u32, at: Micros, turn: Turn) {
        let known = |channel: &str| self.group.routes.number(channel);
        if turn.messages.iter().any(|m| known(&m.channel).is_none()) {
            // As in a run: nothing of such a turn is sent.
            self.failed += 1;
            return;
        }
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(player) = self.players.get_mut(place) else {
            return;
        };
        let before = player.status.as_deref();
        if let Some(status) = turn.status.filter(|status| before != Some(status.as_str())) {
            let status = shared(&status);
            player.status = Some(Rc::clone(&status));
            self.sample.status(at, slot, status);
        }
        let messages = u32::try_from(turn.messages.len()).unwrap_or(u32::MAX);
        player.said.push((player.moment.due, messages));
        for message in turn.messages {
            let route = known(&message.channel).unwrap_or_default();
            let status = player.status.clone();
            let said = Said {
                seed: player.owner.seed,
                seq: player.messages,
                at: player.moment.due,
                route,
            };
            player.messages += 1;
            for payload in rows(self.group, said, message.payload) {
                let status = status.clone();
                self.sample.message(at, slot, route, status, payload);
            }
        }
    }

    fn went_wrong(&mut self, slot: u32, error: CallError) {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(player) = self.players.get_mut(place) else {
            return;
        };
        match error {
            CallError::InvalidConfig(_) | CallError::Failed(_) => self.failed += 1,
            CallError::Retired(_) => {
                self.retired += 1;
                player.seat = None;
            }
            CallError::Crash(fault) => {
                let fallen = player.cell;
                if let Some(cell) = self.cells.get_mut(fallen) {
                    *cell = None;
                }
                let id = self.group.id(player.index);
                self.fault
                    .get_or_insert_with(|| format!("device {id}: {fault}"));
                for player in &mut self.players {
                    if player.cell == fallen && player.seat.take().is_some() {
                        self.fallen += 1;
                    }
                }
            }
        }
    }

    /// What was learned; `end` is when a run of the fleet would be over.
    pub(super) fn told(self, end: Option<Micros>) -> Rehearsed {
        let group = self.group;
        let due = |player: &Player, until: Micros| {
            let end = player.shift.saturating_add(self.reached).min(until);
            self.beat.remaining(player.first, end, player.owner)
        };
        let run = end.map(|end| {
            let mut span = Span::default();
            for player in &self.players {
                span.sampled_due += due(player, end);
                let said = player.said.iter().filter(|(at, _)| *at < end);
                span.sampled_messages +=
                    said.map(|(_, messages)| u64::from(*messages)).sum::<u64>();
            }
            for index in 0..group.count {
                let owner = group.owner(index, group.born(index));
                if owner.born < end {
                    let first = group.beat.first(owner);
                    span.due += group.beat.remaining(first, end, owner);
                }
            }
            span
        });
        let step = usize::try_from(group.count.div_ceil(PHASES)).unwrap_or(1);
        let mut phases: Vec<u64> = (0..group.count)
            .step_by(step)
            .map(|index| self.beat.first(owner(group, index)).nominal % self.every)
            .collect();
        phases.sort_unstable();
        Rehearsed {
            name: group.name.to_string(),
            devices: group.count,
            sampled: u32::try_from(self.players.len()).unwrap_or(u32::MAX),
            time: Duration::from_micros(self.reached),
            due: self.players.iter().map(|p| due(p, Micros::MAX)).sum(),
            ticks: self.ticks,
            failed: self.failed,
            fallen: self.fallen,
            retired: self.retired,
            fault: self.fault,
            every: Duration::from_micros(self.every),
            stages: group.beat.stages().is_some(),
            phases,
            run,
            sample: self.sample,
        }
    }
}
