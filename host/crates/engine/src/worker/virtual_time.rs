//! Advances the virtual clock of a worker from event to event.
//!
//! The clock always has the time of the next due event, so nothing is late and nothing is missed. It
//! stops where the outbox of a device is full, where the log takes no rows, and where other workers
//! are far behind.

use std::time::Instant;

use crate::time::clock::Micros;
use crate::worker::fleet_source::FleetSource;
use crate::worker::worker_loop::{BATCH, WorkerContext, handle_events};
use mockfleet_transport::DeviceIndex;

/// Number of ticks between two readings of the machine's clock, which cost a few percent of a tick.
const CLOCK_CHECK_TICKS: u32 = 16;

impl FleetSource {
    /// Runs the next events, for one batch.
    pub(crate) fn run_virtual(&mut self, cx: &mut WorkerContext) {
        let began = Instant::now();
        self.virtual_time.stalled = false;
        for n in 1.. {
            let Some(next) = self.next_event() else {
                // Nothing is due before the end, and no worker has to wait for this one.
                cx.record.clock.advance_to(self.schedule.end);
                self.virtual_time.publish(Micros::MAX);
                return;
            };
            if !self.virtual_time.may_advance_to(next) || !self.advance_to_next_event(cx, next) {
                self.virtual_time.stalled = true;
                break;
            }
            if n % CLOCK_CHECK_TICKS == 0 && began.elapsed() >= BATCH {
                break;
            }
        }
        if let Some(next) = self.next_event() {
            self.virtual_time.publish(next);
        }
    }

    /// Returns the time of the next tick, restart or fault before the end of the run.
    fn next_event(&self) -> Option<Micros> {
        let due = self.schedule.next_due().into_iter();
        due.chain(self.faults.next_due())
            .min()
            .filter(|due| *due < self.schedule.end)
    }

    /// Advances the clock to `next` and runs one event of that time. Returns false if the device
    /// has to wait first.
    fn advance_to_next_event(&mut self, cx: &mut WorkerContext, next: Micros) -> bool {
        if self.schedule.restarts.next_due() == Some(next) {
            cx.record.clock.advance_to(next);
            self.restart_instances(cx);
            return true;
        }
        if self.faults.next_due() == Some(next) {
            cx.record.clock.advance_to(next);
            self.run_pending_faults(cx);
            return true;
        }
        let device = self.schedule.ticks.next_slot();
        if device.is_none_or(|slot| self.has_to_wait(slot)) {
            return false;
        }
        cx.record.clock.advance_to(next);
        let now = cx.now();
        if let Some((due, slot)) = self.schedule.ticks.pop_first(now) {
            self.run_device(cx, slot, due, now);
            if !cx.sends && !cx.io.inbox.is_empty() {
                // Messages of a run that only writes the log are complete at once.
                handle_events(self, cx);
                self.run_pending_calls(cx);
            }
        }
        true
    }

    /// Returns whether a device's outbox is full and empties while the clock stands still. It does
    /// not if the clock has to advance to restore its link, or to send its delayed messages.
    fn has_to_wait(&mut self, slot: DeviceIndex) -> bool {
        if self.faults.needs_time(slot) {
            return false;
        }
        let found = self.devices.with_group(slot);
        found.is_some_and(|(device, group)| device.state.is_active() && device.open >= group.outbox)
    }
}
