//! Handles failed calls: an event, or a restart of the cell.
//!
//! A failed call is an event, and the device continues. A crash ends the cell, and all its devices
//! restart together. The rest of the fleet continues.

use crate::prepare::create_error::CreateError;
use crate::worker::device_table::{Device, DeviceState};
use crate::worker::worker_loop::Worker;
use mockfleet_plugin::{CallError, Crash};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::DeviceIndex;

impl Worker {
    /// Does what an error in a call asks for.
    pub(crate) fn handle_call_error(&mut self, slot: DeviceIndex, call: &str, error: CallError) {
        match error {
            CallError::InvalidConfig(why) | CallError::Failed(why) => {
                self.call_failed(slot, call, &why)
            }
            CallError::Retired(why) => self.retire(slot, &why),
            CallError::Crash(fault) => self.fall(slot, &fault),
        }
    }

    /// A call returned an error, or what cannot be sent; the device lives on.
    pub(crate) fn call_failed(&mut self, slot: DeviceIndex, call: &str, why: &str) {
        let now = self.clock().now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        self.record.call_failed(device.group, now);
        let which = which(call, device);
        let detail = format!("{call}: {why}{which}");
        self.record
            .event(device, group, now, EventKind::Failed, Some(&detail));
        let (name, plugin) = (&group.name, group.plugin.name());
        let trouble = format!("{name}: {call} failed: {why}");
        let id = || group.id(device.index);
        self.record.counters.warnings.count_as(&trouble, || {
            format!(
                "device {} (plugin {plugin}): {call} failed: {why}{which}",
                id()
            )
        });
    }

    /// A device is done, for good.
    fn retire(&mut self, slot: DeviceIndex, why: &str) {
        let now = self.clock().now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        if device.life == DeviceState::Retired {
            return;
        }
        device.armed = false;
        self.record.counters.retired += 1;
        group.count_active(device.group, &mut self.record.counters, false);
        self.record
            .event(device, group, now, EventKind::Retired, Some(why));
        let target = group.target;
        self.release_held(slot);
        if let Some(transport) = self.transports.get_mut(target) {
            transport.leave(slot);
        }
        if let Err(fault) = self.devices.retire(slot) {
            self.fall(slot, &fault);
        }
    }

    /// A cell has fallen: its devices restart together, after a while.
    fn fall(&mut self, culprit: DeviceIndex, fault: &Crash) {
        let now = self.clock().now();
        let Some((instance, slots, wait)) = self.devices.mark_crashed(culprit, now) else {
            return;
        };
        self.restarts.push(now.saturating_add(wait), instance);
        let Some((device, group)) = self.devices.with_group(culprit) else {
            return;
        };
        let id = group.id(device.index);
        let which = which(fault.call, device);
        let seconds = wait / 1_000_000;
        let count = slots.len();
        let consequence = match count {
            1 => format!("it restarts in {seconds} s"),
            _ => format!("{count} devices of its cell restart in {seconds} s"),
        };
        let plugin = group.plugin.name();
        let trouble = format!("{}: {:?} in {}", group.name, fault.cause, fault.call);
        self.record.counters.warnings.count_as(&trouble, || {
            format!("device {id} (plugin {plugin}): {fault}{which}; {consequence}")
        });
        for slot in slots {
            let Some((device, group)) = self.devices.with_group(slot) else {
                continue;
            };
            if device.life != DeviceState::Alive {
                continue;
            }
            let detail = if slot == culprit {
                format!("{fault}{which}; {consequence}")
            } else {
                format!("device {id} of its cell: {fault}{which}; {consequence}")
            };
            self.record
                .event(device, group, now, EventKind::Stopped, Some(&detail));
        }
    }

    /// Makes the cells again whose time has come.
    pub(crate) fn restart_instances(&mut self) {
        let clock = self.clock();
        while let Some((_, instance)) = self.restarts.pop(clock.now()) {
            let slots = self.devices.devices_of(instance);
            let create_errors = self
                .devices
                .restart(instance, clock.now(), |at| clock.guest(at));
            if let Some(device) = self.devices.device(slots.start) {
                self.record.cell_restarted(device.group, clock.now());
            }
            if let Some((slot, fault)) = create_errors.iter().find_map(CreateError::fault) {
                self.fall(slot, fault);
                continue;
            }
            for slot in slots {
                self.resume_device(slot);
            }
        }
    }

    /// A device of a cell that was made again goes on where it was.
    fn resume_device(&mut self, slot: DeviceIndex) {
        let now = self.clock().now();
        let made = self.devices.can_call(slot);
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        if device.life != DeviceState::Alive {
            return;
        }
        if !made {
            return self.retire(slot, "it could not be made again");
        }
        self.record
            .event(device, group, now, EventKind::Restarted, None);
        let (armed, mut moment) = (device.armed, device.tick);
        if group.schedule.is_flat_out() {
            moment.due = moment.due.max(now);
        }
        if !armed {
            self.reschedule(slot, moment);
        }
    }
}

/// Which of a device's ticks a call was, as the behaviour counts them: from zero.
fn which(call: &str, device: &Device) -> String {
    match call {
        "tick" => format!(" (its tick {})", device.ticks.saturating_sub(1)),
        _ => String::new(),
    }
}
