//! Holds the devices of one worker and the cells with their instances.
//!
//! It creates devices, calls them, and marks the devices of a crashed cell. The worker passes the
//! time in.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::group::device_group::Group;
use crate::prepare::create_error::CreateError;
use crate::time::clock::Micros;
use crate::time::tick_schedule::TickTime;
use mockfleet_plugin::{CallError, Cell, Console, Crash, DeviceHandle, Event, Tick, Turn};
use mockfleet_transport::DeviceIndex;

/// A device of this worker.
pub(crate) struct Device {
    /// Index into the groups.
    pub(crate) group: u32,
    /// Its place in its group.
    pub(crate) index: u32,
    /// When it is switched on.
    pub(crate) born: Micros,
    /// When its next tick is due.
    pub(crate) tick: TickTime,
    /// Ticks that it has had.
    pub(crate) ticks: u64,
    /// Messages that it has returned.
    pub(crate) messages: u64,
    /// Messages that have not come to their end.
    pub(crate) open: u32,
    /// What it last said about itself.
    pub(crate) status: Option<Rc<str>>,
    pub(crate) life: DeviceState,
    /// It is in the schedule.
    pub(crate) armed: bool,
    /// Its connection is up.
    pub(crate) up: bool,
    cell: u32,
    seat: Option<DeviceHandle>,
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceState {
    /// Made, and not yet switched on.
    Unborn,
    /// Called on schedule.
    Alive,
    /// Done, for good.
    Retired,
}

/// A cell and who lives in it.
struct InstanceSlot {
    cell: Option<Cell>,
    group: u32,
    /// Its devices: consecutive slots.
    slots: Range<DeviceIndex>,
    /// Falls in a row.
    crashes: u32,
    /// When it was last made.
    created_at: Micros,
}

/// A cell that holds for this long is taken to be well again.
const STABLE_AFTER: Micros = 60_000_000;

/// The first and the longest wait before a cell is made again.
const FIRST_BACKOFF: Micros = 1_000_000;
const MAX_BACKOFF: Micros = 60_000_000;

/// The devices of one worker.
pub(crate) struct DeviceTable {
    groups: Arc<[Group]>,
    console: Console,
    devices: Vec<Device>,
    instances: Vec<InstanceSlot>,
}

impl DeviceTable {
    /// Places the devices of `worker` out of `workers`; none is made yet.
    pub(crate) fn new(groups: Arc<[Group]>, console: Console, worker: u32, workers: u32) -> Self {
        let mut devices = Self {
            groups: Arc::clone(&groups),
            console,
            devices: Vec::new(),
            instances: Vec::new(),
        };
        let all: u32 = groups.iter().map(|group| group.count).sum();
        // Not by doubling: a million devices are some hundred MiB.
        let share = usize::try_from(all.div_ceil(workers)).unwrap_or(0);
        devices.devices.reserve_exact(share + groups.len());
        for (number, group) in (0u32..).zip(groups.iter()) {
            let offset = (worker + workers - group.first % workers) % workers;
            let step = usize::try_from(workers).unwrap_or(1);
            for index in (offset..group.count).step_by(step) {
                devices.place(number, group, index);
            }
        }
        devices
    }

    fn place(&mut self, number: u32, group: &Group, index: u32) {
        let slot = DeviceIndex::try_from(self.devices.len()).unwrap_or(DeviceIndex::MAX);
        let full = |instance: &InstanceSlot| {
            instance.group != number
                || instance.slots.end - instance.slots.start >= group.devices_per_cell
        };
        if self.instances.last().is_none_or(full) {
            self.instances.push(InstanceSlot {
                cell: None,
                group: number,
                slots: slot..slot,
                crashes: 0,
                created_at: 0,
            });
        }
        if let Some(instance) = self.instances.last_mut() {
            instance.slots.end = slot + 1;
        }
        let born = group.born(index);
        self.devices.push(Device {
            group: number,
            index,
            born,
            tick: group.schedule.first(group.owner(index, born)),
            ticks: 0,
            messages: 0,
            open: 0,
            status: None,
            life: DeviceState::Unborn,
            armed: false,
            up: false,
            cell: u32::try_from(self.instances.len() - 1).unwrap_or(u32::MAX),
            seat: None,
        });
    }

    /// Makes all devices; `guest` turns a moment of the run into one of the guests.
    pub(crate) fn create_all(&mut self, guest: impl Fn(Micros) -> u64) -> Vec<CreateError> {
        let mut create_errors = Vec::new();
        for instance in 0..self.instances.len() {
            self.create_instance(instance, &guest, &mut create_errors);
        }
        create_errors
    }

    /// Makes a fallen cell again, its devices included.
    pub(crate) fn restart(
        &mut self,
        instance: u32,
        now: Micros,
        guest: impl Fn(Micros) -> u64,
    ) -> Vec<CreateError> {
        let mut create_errors = Vec::new();
        let place = usize::try_from(instance).unwrap_or(usize::MAX);
        self.create_instance(place, &guest, &mut create_errors);
        if let Some(instance) = self.instances.get_mut(place) {
            instance.created_at = now;
        }
        create_errors
    }

    fn create_instance(
        &mut self,
        instance: usize,
        guest: &impl Fn(Micros) -> u64,
        create_errors: &mut Vec<CreateError>,
    ) {
        let Some(instance) = self.instances.get_mut(instance) else {
            return;
        };
        let number = usize::try_from(instance.group).unwrap_or(usize::MAX);
        let Some(group) = self.groups.get(number) else {
            return;
        };
        let slots = range(&instance.slots);
        let devices = self.devices.get_mut(slots).unwrap_or_default();
        let mut refuse = |slot: DeviceIndex, index: u32, error: CallError| {
            create_errors.push(CreateError {
                group: number,
                slot,
                device: group.id(index),
                error,
            });
        };
        let made = Cell::new(
            &group.plugin,
            &group.limits,
            &group.surroundings,
            &self.console,
        );
        let mut cell = match made {
            Ok(cell) => cell,
            Err(fault) => {
                let index = devices.first().map_or(0, |device| device.index);
                return refuse(instance.slots.start, index, CallError::Crash(fault));
            }
        };
        let alive = |(_, device): &(DeviceIndex, &mut Device)| device.life != DeviceState::Retired;
        for (slot, device) in instance.slots.clone().zip(devices).filter(alive) {
            // A device that stages never switch on is born nowhere in time.
            let born = Some(device.born).filter(|born| *born != Micros::MAX);
            match cell.create(&group.spec(device.index, guest(born.unwrap_or(0)))) {
                Ok(seat) => device.seat = Some(seat),
                Err(CallError::Crash(fault)) => {
                    return refuse(slot, device.index, CallError::Crash(fault));
                }
                Err(error) => {
                    device.seat = None;
                    refuse(slot, device.index, error);
                }
            }
        }
        instance.cell = Some(cell);
    }

    /// How many devices there are.
    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// Linear memory of all cells that are there, bytes.
    pub(crate) fn memory(&self) -> u64 {
        let cells = self
            .instances
            .iter()
            .filter_map(|instance| instance.cell.as_ref());
        cells
            .map(|cell| u64::try_from(cell.memory()).unwrap_or(u64::MAX))
            .sum()
    }

    /// A device.
    pub(crate) fn device(&mut self, slot: DeviceIndex) -> Option<&mut Device> {
        self.devices.get_mut(usize::try_from(slot).ok()?)
    }

    /// A device and its group.
    pub(crate) fn with_group(&mut self, slot: DeviceIndex) -> Option<(&mut Device, &Group)> {
        let device = self.devices.get_mut(usize::try_from(slot).ok()?)?;
        let group = self.groups.get(usize::try_from(device.group).ok()?)?;
        Some((device, group))
    }

    /// The index of the target that a device sends to.
    pub(crate) fn target(&self, slot: DeviceIndex) -> Option<usize> {
        let device = self.devices.get(usize::try_from(slot).ok()?)?;
        let group = self.groups.get(usize::try_from(device.group).ok()?)?;
        Some(group.target)
    }

    /// Whether the device's cell is there.
    pub(crate) fn can_call(&self, slot: DeviceIndex) -> bool {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(device) = self.devices.get(place) else {
            return false;
        };
        let instance = usize::try_from(device.cell)
            .ok()
            .and_then(|cell| self.instances.get(cell));
        device.seat.is_some() && instance.is_some_and(|instance| instance.cell.is_some())
    }

    /// Calls a device on schedule.
    pub(crate) fn tick(&mut self, slot: DeviceIndex, at: u64) -> Result<Turn, CallError> {
        let device = self.device(slot).ok_or_else(gone)?;
        let sequence = device.ticks;
        device.ticks += 1;
        let (cell, seat) = self.seat(slot)?;
        cell.tick(seat, Tick { at, sequence })
    }

    /// Tells a device what happened.
    pub(crate) fn handle(
        &mut self,
        slot: DeviceIndex,
        at: u64,
        event: &Event,
    ) -> Result<Turn, CallError> {
        let (cell, seat) = self.seat(slot)?;
        cell.handle(seat, at, event)
    }

    fn seat(&mut self, slot: DeviceIndex) -> Result<(&mut Cell, DeviceHandle), CallError> {
        let device = usize::try_from(slot)
            .ok()
            .and_then(|slot| self.devices.get(slot));
        let device = device.ok_or_else(gone)?;
        let instance = usize::try_from(device.cell)
            .ok()
            .and_then(|cell| self.instances.get_mut(cell));
        let cell = instance.and_then(|instance| instance.cell.as_mut());
        cell.zip(device.seat).ok_or_else(gone)
    }

    /// Lets a device go for good.
    pub(crate) fn retire(&mut self, slot: DeviceIndex) -> Result<(), Crash> {
        let done = match self.seat(slot) {
            Ok((cell, seat)) => cell.retire(seat),
            Err(_) => Ok(()),
        };
        if let Some(device) = self.device(slot) {
            device.life = DeviceState::Retired;
            device.seat = None;
        }
        done
    }

    /// A cell has fallen: nobody in it can be called until it is made again. Says
    /// which one, who lived in it, and how long to wait.
    pub(crate) fn mark_crashed(
        &mut self,
        slot: DeviceIndex,
        now: Micros,
    ) -> Option<(u32, Range<DeviceIndex>, Micros)> {
        let number = self.device(slot)?.cell;
        let instance = self.instances.get_mut(usize::try_from(number).ok()?)?;
        if now.saturating_sub(instance.created_at) > STABLE_AFTER {
            instance.crashes = 0;
        }
        let wait = FIRST_BACKOFF
            .saturating_mul(1 << instance.crashes.min(16))
            .min(MAX_BACKOFF);
        instance.crashes += 1;
        instance.cell = None;
        Some((number, instance.slots.clone(), wait))
    }

    /// Who lives in a cell.
    pub(crate) fn devices_of(&self, instance: u32) -> Range<DeviceIndex> {
        let place = usize::try_from(instance).unwrap_or(usize::MAX);
        self.instances
            .get(place)
            .map_or(0..0, |instance| instance.slots.clone())
    }
}

fn gone() -> CallError {
    CallError::Retired("the device is gone".into())
}

fn range(slots: &Range<DeviceIndex>) -> Range<usize> {
    let place = |slot: DeviceIndex| usize::try_from(slot).unwrap_or(usize::MAX);
    place(slots.start)..place(slots.end)
}
