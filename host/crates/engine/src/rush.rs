//! A worker whose clock goes as fast as it can: it is always the time of what is due
//! next, so that nothing is late and nothing missed. The clock stands still where a
//! device's outbox is full, where the log takes no rows, and where the other workers
//! are far behind.

use std::time::Instant;

use super::clock::Micros;
use super::crew::Life;
use super::worker::{BATCH, Worker};
use mockfleet_transport::DeviceIndex;

/// Ticks between two looks at the machine's clock: a look costs a few percent of a tick.
const LOOK: u32 = 16;

impl Worker {
    /// Runs what comes next, for one batch.
    pub(super) fn run_ahead(&mut self) {
        let began = Instant::now();
        self.halted = false;
        for n in 1.. {
            let Some(next) = self.next_due() else {
                // Nothing comes before the end, and nobody has to wait for this worker.
                self.record.clock.reach(self.end);
                self.say_reached(Micros::MAX);
                return;
            };
            let may = self
                .place
                .as_mut()
                .is_none_or(|place| place.may_reach(next));
            if !may || !self.run_next(next) {
                self.halted = true;
                break;
            }
            if n % LOOK == 0 && began.elapsed() >= BATCH {
                break;
            }
        }
        if let Some(next) = self.next_due() {
            self.say_reached(next);
        }
    }

    /// When the next tick, repair or fault is, if that is before the end.
    fn next_due(&self) -> Option<Micros> {
        let due = self.schedule.next().into_iter().chain(self.repairs.next());
        due.chain(self.broken.next())
            .min()
            .filter(|due| *due < self.end)
    }

    fn say_reached(&self, moment: Micros) {
        if let Some(place) = &self.place {
            place.reached(moment);
        }
    }

    /// Does what is due at this moment. False where it has to wait.
    fn run_next(&mut self, next: Micros) -> bool {
        if self.repairs.next() == Some(next) {
            self.record.clock.reach(next);
            self.repair_cells();
            return true;
        }
        if self.broken.next() == Some(next) {
            self.record.clock.reach(next);
            self.run_broken();
            return true;
        }
        if self.schedule.first().is_none_or(|slot| self.is_full(slot)) {
            return false;
        }
        self.record.clock.reach(next);
        let now = self.record.clock.now();
        if let Some((due, slot)) = self.schedule.pop(now) {
            self.run_device(slot, due, now);
            if !self.sends && !self.inbox.is_empty() {
                // What goes nowhere is at its end at once.
                self.take_reports();
            }
        }
        true
    }

    /// Whether a device has no room for what it would say, and will have some while the
    /// clock stands still: not where it is the clock that brings its link back, or lets
    /// messages go that a fault holds.
    fn is_full(&mut self, slot: DeviceIndex) -> bool {
        if self.broken.needs_time(slot) {
            return false;
        }
        let found = self.crew.with_group(slot);
        found.is_some_and(|(device, group)| {
            device.life == Life::Alive && device.open >= group.outbox
        })
    }
}
