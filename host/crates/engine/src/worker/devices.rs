//! Holds the devices of one worker, and the instances that run them.
//!
//! It calls devices, and takes crashed instances out of use. The caller passes the time in.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::group::device_group::Group;
use crate::prepare::create_error::CreateError;
use crate::time::clock::Micros;
use crate::time::tick_schedule::TickTime;
use mockfleet_metrics::Counters;
use mockfleet_plugin::{CallError, Cell, Console, Crash, DeviceHandle, Event, Tick, Turn};
use mockfleet_transport::DeviceIndex;

/// A device of this worker.
pub(crate) struct Device {
    /// Index of its group.
    pub(crate) group: u32,
    /// Its index in its group.
    pub(crate) index: u32,
    /// Time at which it is switched on.
    pub(crate) born: Micros,
    /// Its next tick.
    pub(crate) tick: TickTime,
    /// Number of ticks that it has run.
    pub(crate) ticks: u64,
    /// Number of messages that it has returned.
    pub(crate) messages: u64,
    /// Number of its messages without an outcome.
    pub(crate) open: u32,
    /// The status that it has reported last.
    pub(crate) status: Option<Rc<str>>,
    pub(crate) state: DeviceState,
    pub(crate) connection: ConnectionState,
    /// Run time at which its connection was up for the first time. `None` before that, and
    /// without a connection.
    pub(crate) connected_at: Option<Micros>,
    /// Index of its instance.
    instance: u32,
    /// Its handle in the instance; `None` if the plugin refused to create it, or it is retired.
    pub(crate) handle: Option<DeviceHandle>,
}

/// The state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceState {
    /// Created, and not yet switched on.
    Created,
    /// Created, with a connection that is opened before the clock starts.
    Connecting,
    /// Switched on, with its next tick in the schedule.
    Scheduled,
    /// Switched on, without a tick in the schedule: it waits for room in its outbox or for the
    /// restart of its instance, or its next tick is after the end of the run.
    Idle,
    /// Finished: it is not called again.
    Retired,
}

impl DeviceState {
    /// Returns whether the device is switched on and not retired.
    pub(crate) fn is_active(self) -> bool {
        matches!(self, Self::Scheduled | Self::Idle)
    }
}

/// The state of a device's connection, as its transport reported it last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// It was never up.
    #[default]
    NeverUp,
    Down,
    Up,
}

impl ConnectionState {
    /// Counts a connection that is up.
    pub(crate) fn set_up(&mut self, counters: &mut Counters) {
        let before = std::mem::replace(self, Self::Up);
        counters.up += u64::from(before != Self::Up);
        counters.connected_once += u64::from(before == Self::NeverUp);
    }

    /// Counts a connection that is down.
    pub(crate) fn set_down(&mut self, counters: &mut Counters) {
        if *self == Self::Up {
            *self = Self::Down;
            counters.up -= 1;
        }
    }
}

impl Device {
    pub(crate) fn new(group: u32, index: u32, born: Micros, tick: TickTime) -> Self {
        Self {
            group,
            index,
            born,
            tick,
            ticks: 0,
            messages: 0,
            open: 0,
            status: None,
            state: DeviceState::Created,
            connection: ConnectionState::NeverUp,
            connected_at: None,
            instance: 0,
            handle: None,
        }
    }

    /// Describes which tick a call was, as the behaviour counts ticks: from zero. The text is empty
    /// for other calls.
    pub(crate) fn tick_of(&self, call: &str) -> String {
        match call {
            "tick" => format!(" (its tick {})", self.ticks.saturating_sub(1)),
            _ => String::new(),
        }
    }
}

/// A device with everything that a call of it needs, found once.
pub(crate) struct DeviceEntry<'a> {
    pub(crate) slot: DeviceIndex,
    pub(crate) device: &'a mut Device,
    pub(crate) group: &'a Group,
    instance: Option<&'a mut InstanceSlot>,
}

impl DeviceEntry<'_> {
    /// Returns whether the instance runs and has the device.
    pub(crate) fn can_call(&self) -> bool {
        let runs = |instance: &&mut InstanceSlot| instance.cell.is_some();
        self.device.handle.is_some() && self.instance.as_ref().is_some_and(runs)
    }

    /// Calls the device for its start. Both times are in microseconds since the Unix epoch.
    pub(crate) fn start(&mut self, at: u64, first_tick: Option<u64>) -> Result<Turn, CallError> {
        let (cell, handle) = self.cell()?;
        cell.start(handle, at, first_tick)
    }

    /// Calls the device for a tick. `at` is in microseconds since the Unix epoch.
    pub(crate) fn tick(&mut self, at: u64) -> Result<Turn, CallError> {
        let sequence = self.device.ticks;
        self.device.ticks += 1;
        let (cell, handle) = self.cell()?;
        cell.tick(handle, Tick { at, sequence })
    }

    /// Calls the device for an event. `at` is in microseconds since the Unix epoch.
    pub(crate) fn handle(&mut self, at: u64, event: &Event) -> Result<Turn, CallError> {
        let (cell, handle) = self.cell()?;
        cell.handle(handle, at, event)
    }

    /// Retires the device, in its instance too.
    ///
    /// # Errors
    /// The crash of the instance.
    pub(crate) fn retire(&mut self) -> Result<(), Crash> {
        let done = match self.cell() {
            Ok((cell, handle)) => cell.retire(handle),
            Err(_) => Ok(()),
        };
        self.device.state = DeviceState::Retired;
        self.device.handle = None;
        done
    }

    fn cell(&mut self) -> Result<(&mut Cell, DeviceHandle), CallError> {
        let cell = self
            .instance
            .as_mut()
            .and_then(|instance| instance.cell.as_mut());
        cell.zip(self.device.handle)
            .ok_or_else(|| CallError::Retired("the device is gone".into()))
    }
}

/// An instance and its devices.
#[derive(Default)]
pub(crate) struct InstanceSlot {
    /// `None` before it is created, and after a crash until it restarts.
    pub(crate) cell: Option<Cell>,
    /// The cell whose devices are being created.
    pub(crate) partial: Option<PartialCell>,
    pub(crate) group: u32,
    /// Its devices: consecutive slots.
    pub(crate) slots: Range<DeviceIndex>,
    /// Number of crashes in a row.
    crashes: u32,
    /// Time at which it was created last.
    pub(crate) created_at: Micros,
}

/// A cell of which not all devices are created.
pub(crate) struct PartialCell {
    pub(crate) cell: Cell,
    /// The next device to create.
    pub(crate) next: DeviceIndex,
    pub(crate) errors: Vec<CreateError>,
}

/// An instance that has run for this long has recovered: its next crash is the first in a row.
const STABLE_AFTER: Micros = 60_000_000;

/// The first and the longest time between a crash and the restart.
const FIRST_BACKOFF: Micros = 1_000_000;
const MAX_BACKOFF: Micros = 60_000_000;

/// A crashed instance.
pub(crate) struct CrashedInstance {
    pub(crate) number: u32,
    /// Its devices.
    pub(crate) slots: Range<DeviceIndex>,
    /// Time until its restart.
    pub(crate) backoff: Micros,
}

/// The devices of one worker.
pub(crate) struct DeviceTable {
    pub(crate) groups: Arc<[Group]>,
    pub(crate) console: Console,
    pub(crate) devices: Vec<Device>,
    pub(crate) instances: Vec<InstanceSlot>,
    /// The longest creation of a device before the start, of groups that read data files.
    pub(crate) longest_creation: Vec<Duration>,
}

impl DeviceTable {
    /// Adds the devices of worker number `worker` out of `workers`, without creating them.
    pub(crate) fn new(groups: Arc<[Group]>, console: Console, worker: u32, workers: u32) -> Self {
        let mut devices = Self {
            groups: Arc::clone(&groups),
            console,
            devices: Vec::new(),
            instances: Vec::new(),
            longest_creation: vec![Duration::ZERO; groups.len()],
        };
        let all: u32 = groups.iter().map(|group| group.count).sum();
        // Reserved at once: a vector that grows by doubling would waste some hundred MiB for a
        // million devices.
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
                group: number,
                slots: slot..slot,
                ..InstanceSlot::default()
            });
        }
        if let Some(instance) = self.instances.last_mut() {
            instance.slots.end = slot + 1;
        }
        let born = group.born(index);
        let tick = group.schedule.first(group.owner(index, born));
        self.devices.push(Device {
            instance: u32::try_from(self.instances.len() - 1).unwrap_or(u32::MAX),
            ..Device::new(number, index, born, tick)
        });
    }

    /// Returns the number of devices.
    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// Returns the linear memory of all instances, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let cells = self
            .instances
            .iter()
            .filter_map(|instance| instance.cell.as_ref());
        cells
            .map(|cell| u64::try_from(cell.memory()).unwrap_or(u64::MAX))
            .sum()
    }

    /// Returns a device.
    pub(crate) fn device(&mut self, slot: DeviceIndex) -> Option<&mut Device> {
        self.devices.get_mut(usize::try_from(slot).ok()?)
    }

    /// Returns a device and its group.
    pub(crate) fn with_group(&mut self, slot: DeviceIndex) -> Option<(&mut Device, &Group)> {
        let device = self.devices.get_mut(usize::try_from(slot).ok()?)?;
        let group = self.groups.get(usize::try_from(device.group).ok()?)?;
        Some((device, group))
    }

    /// Returns a device with its group and its instance.
    pub(crate) fn entry(&mut self, slot: DeviceIndex) -> Option<DeviceEntry<'_>> {
        let device = self.devices.get_mut(usize::try_from(slot).ok()?)?;
        let group = self.groups.get(usize::try_from(device.group).ok()?)?;
        let instance = self
            .instances
            .get_mut(usize::try_from(device.instance).ok()?);
        Some(DeviceEntry {
            slot,
            device,
            group,
            instance,
        })
    }

    /// Returns the index of the target of a device.
    pub(crate) fn target(&self, slot: DeviceIndex) -> Option<usize> {
        let device = self.devices.get(usize::try_from(slot).ok()?)?;
        let group = self.groups.get(usize::try_from(device.group).ok()?)?;
        Some(group.target)
    }

    /// Takes the instance of a device out of use after a crash, until its restart. The time until
    /// then doubles with each crash in a row.
    pub(crate) fn mark_crashed(
        &mut self,
        slot: DeviceIndex,
        now: Micros,
    ) -> Option<CrashedInstance> {
        let number = self.device(slot)?.instance;
        let instance = self.instances.get_mut(usize::try_from(number).ok()?)?;
        if now.saturating_sub(instance.created_at) > STABLE_AFTER {
            instance.crashes = 0;
        }
        let backoff = FIRST_BACKOFF
            .saturating_mul(1 << instance.crashes.min(16))
            .min(MAX_BACKOFF);
        instance.crashes += 1;
        instance.cell = None;
        instance.partial = None;
        Some(CrashedInstance {
            number,
            slots: instance.slots.clone(),
            backoff,
        })
    }

    /// Returns whether an instance is in use: it is neither crashed nor waits for its restart.
    pub(crate) fn is_running(&self, instance: u32) -> bool {
        let place = usize::try_from(instance).unwrap_or(usize::MAX);
        let found = self.instances.get(place);
        found.is_some_and(|instance| instance.cell.is_some())
    }

    /// Returns the devices of an instance.
    pub(crate) fn devices_of(&self, instance: u32) -> Range<DeviceIndex> {
        let place = usize::try_from(instance).unwrap_or(usize::MAX);
        self.instances
            .get(place)
            .map_or(0..0, |instance| instance.slots.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_that_was_never_up_is_counted_apart() {
        let mut counters = Counters::default();
        let (mut lost, mut never) = (ConnectionState::default(), ConnectionState::default());
        lost.set_up(&mut counters);
        lost.set_down(&mut counters);
        lost.set_up(&mut counters);
        lost.set_up(&mut counters);
        never.set_down(&mut counters);
        assert_eq!((counters.up, counters.connected_once), (1, 1));
        lost.set_down(&mut counters);
        assert_eq!((counters.up, counters.connected_once), (0, 1));
    }
}
