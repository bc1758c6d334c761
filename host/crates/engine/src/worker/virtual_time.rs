//! Advances the virtual clock of a worker from event to event.
//!
//! The clock always has the time of the next due event, so nothing is late and nothing is missed. It
//! stops where the outbox of a device is full, where the log takes no rows, and where other workers
//! are far behind.

use std::time::Instant;

use crate::time::clock::Micros;
use crate::worker::device_table::DeviceState;
use crate::worker::worker_loop::{BATCH, Worker};
use mockfleet_transport::DeviceIndex;

/// Ticks between two looks at the machine's clock: a look costs a few percent of a tick.
const CLOCK_CHECK_TICKS: u32 = 16;

impl Worker {
    /// Runs what comes next, for one batch.
    pub(crate) fn run_virtual(&mut self) {
        let began = Instant::now();
        self.stalled = false;
        for n in 1.. {
            let Some(next) = self.next_event() else {
                // Nothing comes before the end, and nobody has to wait for this worker.
                self.record.clock.advance_to(self.end);
                self.publish_clock(Micros::MAX);
                return;
            };
            let may = self
                .worker_clock
                .as_mut()
                .is_none_or(|worker_clock| worker_clock.may_advance_to(next));
            if !may || !self.advance_to_next_event(next) {
                self.stalled = true;
                break;
            }
            if n % CLOCK_CHECK_TICKS == 0 && began.elapsed() >= BATCH {
                break;
            }
        }
        if let Some(next) = self.next_event() {
            self.publish_clock(next);
        }
    }

    /// When the next tick, repair or fault is, if that is before the end.
    fn next_event(&self) -> Option<Micros> {
        let due = self
            .queue
            .next_due()
            .into_iter()
            .chain(self.restarts.next_due());
        due.chain(self.faults.next_due())
            .min()
            .filter(|due| *due < self.end)
    }

    fn publish_clock(&self, moment: Micros) {
        if let Some(worker_clock) = &self.worker_clock {
            worker_clock.advance_to(moment);
        }
    }

    /// Does what is due at this moment. False where it has to wait.
    fn advance_to_next_event(&mut self, next: Micros) -> bool {
        if self.restarts.next_due() == Some(next) {
            self.record.clock.advance_to(next);
            self.restart_instances();
            return true;
        }
        if self.faults.next_due() == Some(next) {
            self.record.clock.advance_to(next);
            self.run_pending_faults();
            return true;
        }
        if self.queue.next_slot().is_none_or(|slot| self.is_full(slot)) {
            return false;
        }
        self.record.clock.advance_to(next);
        let now = self.record.clock.now();
        if let Some((due, slot)) = self.queue.pop(now) {
            self.run_device(slot, due, now);
            if !self.sends && !self.inbox.is_empty() {
                // What goes nowhere is at its end at once.
                self.take_events();
            }
        }
        true
    }

    /// Whether a device has no room for what it would say, and will have some while the
    /// clock stands still: not where it is the clock that brings its link back, or lets
    /// messages go that a fault holds.
    fn is_full(&mut self, slot: DeviceIndex) -> bool {
        if self.faults.needs_time(slot) {
            return false;
        }
        let found = self.devices.with_group(slot);
        found.is_some_and(|(device, group)| {
            device.life == DeviceState::Alive && device.open >= group.outbox
        })
    }
}
