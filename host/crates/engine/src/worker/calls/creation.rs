//! Creates the devices of a worker, also those of crashed instances.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::group::device_group::Group;
use crate::prepare::create_error::CreateError;
use crate::time::clock::Micros;
use crate::worker::devices::{DeviceState, DeviceTable, PartialCell};
use mockfleet_plugin::{CallError, Cell};
use mockfleet_transport::DeviceIndex;

/// Time that a device may take at a restart beyond four times the longest time before the start.
const CREATION_RESERVE: Duration = Duration::from_millis(100);

impl DeviceTable {
    /// Creates all devices. `guest` converts a time of the run to microseconds since the Unix epoch.
    pub(crate) fn create_all(&mut self, guest: impl Fn(Micros) -> u64) -> Vec<CreateError> {
        self.create_each(&guest, &mut || {})
    }

    /// Creates the instances one after the other, and calls `rest` after each.
    fn create_each(
        &mut self,
        guest: &impl Fn(Micros) -> u64,
        rest: &mut dyn FnMut(),
    ) -> Vec<CreateError> {
        let mut create_errors = Vec::new();
        for instance in 0..self.instances.len() {
            loop {
                if let Some(errors) = self.create_step(instance, guest, false) {
                    create_errors.extend(errors);
                    break;
                }
            }
            rest();
        }
        create_errors
    }

    /// Creates all devices again, for another start of the run. The output of guests is not
    /// repeated. `rest` is called after each instance.
    pub(crate) fn create_again(
        &mut self,
        guest: impl Fn(Micros) -> u64,
        rest: &mut dyn FnMut(),
    ) -> Vec<CreateError> {
        let is_silent = Arc::new(AtomicBool::new(true));
        let (console, silent) = (Arc::clone(&self.console), Arc::clone(&is_silent));
        self.console = Arc::new(move |line| {
            if !silent.load(Ordering::Relaxed) {
                console(line);
            }
        });
        for instance in &mut self.instances {
            instance.cell = None;
        }
        let create_errors = self.create_each(&guest, rest);
        is_silent.store(false, Ordering::Relaxed);
        create_errors
    }

    /// Creates a crashed instance again, or one more of its devices. Returns the errors once all
    /// are created, or the instance has crashed.
    pub(crate) fn restart_step(
        &mut self,
        instance: u32,
        now: Micros,
        guest: impl Fn(Micros) -> u64,
    ) -> Option<Vec<CreateError>> {
        let place = usize::try_from(instance).unwrap_or(usize::MAX);
        let errors = self.create_step(place, &guest, true)?;
        if let Some(instance) = self.instances.get_mut(place) {
            instance.created_at = now;
        }
        Some(errors)
    }

    /// Creates an instance, or one more of its devices. Returns the errors at the end.
    fn create_step(
        &mut self,
        instance: usize,
        guest: &impl Fn(Micros) -> u64,
        is_restart: bool,
    ) -> Option<Vec<CreateError>> {
        let Some(instance) = self.instances.get_mut(instance) else {
            return Some(Vec::new());
        };
        let number = usize::try_from(instance.group).unwrap_or(usize::MAX);
        let Some(group) = self.groups.get(number) else {
            return Some(Vec::new());
        };
        let longest = self.longest_creation.get_mut(number);
        let error = |slot: DeviceIndex, index: u32, error: CallError| CreateError {
            group: number,
            slot,
            device: group.id(index),
            error,
        };
        let Some(mut partial) = instance.partial.take() else {
            let made = Cell::new(
                &group.plugin,
                &group.limits,
                &group.surroundings,
                &self.console,
            );
            let first = instance.slots.start;
            match made {
                Ok(mut cell) => {
                    if let Some(longest) = longest.filter(|_| is_restart) {
                        cell.limit_data_read(*longest * 4 + CREATION_RESERVE);
                    }
                    instance.partial = Some(PartialCell {
                        cell,
                        next: first,
                        errors: Vec::new(),
                    });
                    return None;
                }
                Err(fault) => {
                    let device = self.devices.get(place(first));
                    let index = device.map_or(0, |device| device.index);
                    return Some(vec![error(first, index, CallError::Crash(fault))]);
                }
            }
        };
        let slot = partial.next;
        let device = self.devices.get_mut(place(slot));
        let Some(device) = device.filter(|_| slot < instance.slots.end) else {
            instance.cell = Some(partial.cell);
            return Some(partial.errors);
        };
        partial.next += 1;
        if device.state != DeviceState::Retired {
            // `Micros::MAX` is the time of a device that stages never switch on.
            let born = Some(device.born).filter(|born| *born != Micros::MAX);
            let spec = group.spec(device.index, guest(born.unwrap_or(0)));
            let created = create(&mut partial.cell, &spec, group, longest);
            match created {
                Ok(handle) => device.handle = Some(handle),
                Err(CallError::Crash(fault)) => {
                    let crash = error(slot, device.index, CallError::Crash(fault));
                    partial.errors.push(crash);
                    return Some(partial.errors);
                }
                Err(why) => {
                    device.handle = None;
                    partial.errors.push(error(slot, device.index, why));
                }
            }
        }
        instance.partial = Some(partial);
        None
    }
}

/// Creates a device, and measures that in a group with data files.
fn create(
    cell: &mut Cell,
    spec: &mockfleet_plugin::DeviceSpec,
    group: &Group,
    longest: Option<&mut Duration>,
) -> Result<mockfleet_plugin::DeviceHandle, CallError> {
    if group.surroundings.data.is_empty() {
        return cell.create(spec);
    }
    let began = Instant::now();
    let created = cell.create(spec);
    if let Some(longest) = longest.filter(|_| created.is_ok()) {
        *longest = (*longest).max(began.elapsed());
    }
    created
}

fn place(slot: DeviceIndex) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}
