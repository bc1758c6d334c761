//! What a call that went wrong does: a failed call is an event and the device lives
//! on; a fault takes the cell, and all its devices restart together. The rest of the
//! fleet does not notice.

use super::crew::{Device, Life, Refusal};
use super::worker::Worker;
use mockfleet_plugin::{CallError, Crash};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::DeviceIndex;

impl Worker {
    /// Does what an error in a call asks for.
    pub(super) fn went_wrong(&mut self, slot: DeviceIndex, call: &str, error: CallError) {
        match error {
            CallError::InvalidConfig(why) | CallError::Failed(why) => {
                self.call_failed(slot, call, &why)
            }
            CallError::Retired(why) => self.retire(slot, &why),
            CallError::Crash(fault) => self.fall(slot, &fault),
        }
    }

    /// A call returned an error, or what cannot be sent; the device lives on.
    pub(super) fn call_failed(&mut self, slot: DeviceIndex, call: &str, why: &str) {
        let now = self.clock().now();
        let Some((device, group)) = self.crew.with_group(slot) else {
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
        self.record.counters.notices.count_as(&trouble, || {
            format!(
                "device {} (plugin {plugin}): {call} failed: {why}{which}",
                id()
            )
        });
    }

    /// A device is done, for good.
    fn retire(&mut self, slot: DeviceIndex, why: &str) {
        let now = self.clock().now();
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        if device.life == Life::Retired {
            return;
        }
        device.armed = false;
        self.record.counters.retired += 1;
        group.count_on(device.group, &mut self.record.counters, false);
        self.record
            .event(device, group, now, EventKind::Retired, Some(why));
        let target = group.target;
        self.let_go(slot);
        if let Some(line) = self.lines.get_mut(target) {
            line.leave(slot);
        }
        if let Err(fault) = self.crew.retire(slot) {
            self.fall(slot, &fault);
        }
    }

    /// A cell has fallen: its devices restart together, after a while.
    fn fall(&mut self, culprit: DeviceIndex, fault: &Crash) {
        let now = self.clock().now();
        let Some((berth, slots, wait)) = self.crew.fall(culprit, now) else {
            return;
        };
        self.repairs.arm(now.saturating_add(wait), berth);
        let Some((device, group)) = self.crew.with_group(culprit) else {
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
        self.record.counters.notices.count_as(&trouble, || {
            format!("device {id} (plugin {plugin}): {fault}{which}; {consequence}")
        });
        for slot in slots {
            let Some((device, group)) = self.crew.with_group(slot) else {
                continue;
            };
            if device.life != Life::Alive {
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
    pub(super) fn repair_cells(&mut self) {
        let clock = self.clock();
        while let Some((_, berth)) = self.repairs.pop(clock.now()) {
            let slots = self.crew.neighbours(berth);
            let refusals = self.crew.restart(berth, clock.now(), |at| clock.guest(at));
            if let Some(device) = self.crew.device(slots.start) {
                self.record.cell_restarted(device.group, clock.now());
            }
            if let Some((slot, fault)) = refusals.iter().find_map(Refusal::fault) {
                self.fall(slot, fault);
                continue;
            }
            for slot in slots {
                self.revive(slot);
            }
        }
    }

    /// A device of a cell that was made again goes on where it was.
    fn revive(&mut self, slot: DeviceIndex) {
        let now = self.clock().now();
        let made = self.crew.can_call(slot);
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        if device.life != Life::Alive {
            return;
        }
        if !made {
            return self.retire(slot, "it could not be made again");
        }
        self.record
            .event(device, group, now, EventKind::Restarted, None);
        let (armed, mut moment) = (device.armed, device.moment);
        if group.beat.is_flat_out() {
            moment.due = moment.due.max(now);
        }
        if !armed {
            self.arm(slot, moment);
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
