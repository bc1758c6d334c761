//! Handles failed calls: retires devices, and restarts crashed instances.
//!
//! A failed call is an event, and the device continues. A crash ends the instance, and all its
//! devices restart together. The rest of the fleet continues.

use std::time::Instant;

use crate::prepare::create_error::CreateError;
use crate::worker::calls::restart::Restart;
use crate::worker::devices::{DeviceEntry, DeviceState};
use crate::worker::fleet_source::FleetSource;
use crate::worker::worker_loop::{BATCH, WorkerContext};
use mockfleet_plugin::{CallError, Crash};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::DeviceIndex;

impl FleetSource {
    /// Records the error of a call, and retires the device or restarts its instance if it must.
    pub(crate) fn handle_call_error(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        call: &str,
        error: CallError,
    ) {
        match error {
            CallError::InvalidConfig(why) | CallError::Failed(why) => {
                if let Some((device, group)) = self.devices.with_group(slot) {
                    cx.record.failed_call(device, group, call, &why);
                }
            }
            CallError::Retired(why) => self.retire(cx, slot, &why),
            CallError::Crash(crash) => self.crash(cx, slot, &crash),
        }
    }

    /// Ends a device: it is not called again, and its connection closes after its last message.
    fn retire(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, why: &str) {
        let Some(mut entry) = self.devices.entry(slot) else {
            return;
        };
        let DeviceEntry { device, group, .. } = &entry;
        if device.state == DeviceState::Retired {
            return;
        }
        cx.record.counters.retired += 1;
        group.count_active(device.group, &mut cx.record.counters, false);
        let now = cx.now();
        cx.record
            .event(device, group, now, EventKind::Retired, Some(why));
        if let Some(transport) = cx.io.transports.get_mut(group.target) {
            for envelope in self.faults.release(slot) {
                transport.submit(envelope);
            }
            transport.leave(slot);
        }
        if let Err(crash) = entry.retire() {
            self.crash(cx, slot, &crash);
        }
    }

    /// Takes the crashed instance of a device out of use, and schedules its restart.
    fn crash(&mut self, cx: &mut WorkerContext, culprit: DeviceIndex, crash: &Crash) {
        let now = cx.now();
        let Some(instance) = self.devices.mark_crashed(culprit, now) else {
            return;
        };
        let restart = now.saturating_add(instance.backoff);
        self.schedule.restarts.push(restart, instance.number);
        let Some((device, group)) = self.devices.with_group(culprit) else {
            return;
        };
        let id = group.id(device.index);
        let tick = device.tick_of(crash.call);
        let seconds = instance.backoff / 1_000_000;
        let count = instance.slots.len();
        let consequence = match count {
            1 => format!("it restarts in {seconds} s"),
            _ => format!("{count} devices of its cell restart in {seconds} s"),
        };
        let plugin = group.plugin.name();
        tracing::warn!(device = id, plugin, %crash, devices = count, seconds, "an instance crashed");
        let kind = format!("{}: {:?} in {}", group.name, crash.cause, crash.call);
        cx.record.counters.warnings.count_as(&kind, || {
            format!("device {id} (plugin {plugin}): {crash}{tick}; {consequence}")
        });
        for slot in instance.slots {
            let Some((device, group)) = self.devices.with_group(slot) else {
                continue;
            };
            if !device.state.is_active() {
                continue;
            }
            let detail = if slot == culprit {
                format!("{crash}{tick}; {consequence}")
            } else {
                format!("device {id} of its cell: {crash}{tick}; {consequence}")
            };
            cx.record
                .event(device, group, now, EventKind::Stopped, Some(&detail));
        }
    }

    /// Returns whether instances are being created again.
    pub(crate) fn has_restarts(&self) -> bool {
        !self.restarts.is_empty()
    }

    /// Creates the instances again whose restart is due: one device after the other, for about one
    /// batch, since each may take as long as its deadline. A virtual clock waits for all of them.
    /// Returns whether there was one.
    pub(crate) fn restart_instances(&mut self, cx: &mut WorkerContext) -> bool {
        let clock = cx.record.clock;
        while let Some((_, instance)) = self.schedule.restarts.pop(clock.now()) {
            self.restarts.push_back(Restart {
                instance,
                resumed: None,
            });
        }
        if self.restarts.is_empty() {
            return false;
        }
        let began = Instant::now();
        let mut moment = began;
        while let Some(restart) = self.restarts.pop_front() {
            let slots = self.devices.devices_of(restart.instance);
            if let Some(next) = self.restart_step(cx, restart) {
                self.restarts.push_back(next);
            }
            let after = Instant::now();
            if let Some(device) = self.devices.device(slots.start) {
                let spent = after.saturating_duration_since(moment);
                self.schedule.ticks.charge_group(device.group, spent);
            }
            moment = after;
            let is_over = moment.saturating_duration_since(began) >= BATCH;
            if is_over && !clock.is_virtual() {
                break;
            }
        }
        true
    }

    /// Takes one step of a restart. Returns the rest of it.
    fn restart_step(&mut self, cx: &mut WorkerContext, restart: Restart) -> Option<Restart> {
        let clock = cx.record.clock;
        let Restart { instance, resumed } = restart;
        let slots = self.devices.devices_of(instance);
        if let Some(slot) = resumed {
            // The start of a device may end the instance again: the others wait.
            if slot >= slots.end || !self.devices.is_running(instance) {
                return None;
            }
            self.resume_device(cx, slot);
            return Some(Restart {
                instance,
                resumed: Some(slot + 1),
            });
        }
        let created = self
            .devices
            .restart_step(instance, clock.now(), |at| clock.guest(at));
        let Some(create_errors) = created else {
            return Some(restart);
        };
        tracing::info!(
            instance,
            devices = slots.len(),
            errors = create_errors.len(),
            "an instance restarted"
        );
        if let Some(device) = self.devices.device(slots.start) {
            cx.record.cell_restarted(device.group, clock.now());
        }
        if let Some((slot, crash)) = create_errors.iter().find_map(CreateError::fault) {
            self.crash(cx, slot, crash);
            return None;
        }
        Some(Restart {
            instance,
            resumed: Some(slots.start),
        })
    }

    /// Continues a device of a restarted instance at its next tick.
    fn resume_device(&mut self, cx: &mut WorkerContext, slot: DeviceIndex) {
        let Some(entry) = self.devices.entry(slot) else {
            return;
        };
        let can_call = entry.can_call();
        let DeviceEntry { device, group, .. } = entry;
        if !device.state.is_active() {
            return;
        }
        if !can_call {
            return self.retire(cx, slot, "it could not be made again");
        }
        let now = cx.now();
        cx.record
            .event(device, group, now, EventKind::Restarted, None);
        self.begin_device(cx, slot, now);
    }
}
