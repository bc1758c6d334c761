//! Ends a worker: counts ticks that were not run, closes connections.
//!
//! No device is called any more. Open messages get a limited time to complete.

use std::time::Instant;

use crate::time::clock::Micros;
use crate::worker::device_table::DeviceState;
use crate::worker::worker_loop::{DRAIN, Stage, Worker};
use mockfleet_transport::DeviceIndex;

impl Worker {
    /// Moves on from running to draining, and says when that is over too.
    pub(crate) fn advance_phase(&mut self) -> bool {
        if let Stage::Draining(until) = self.stage {
            return self.record.counters.open == 0 || Instant::now() >= until;
        }
        let clock = self.record.clock;
        let now = clock.now();
        let devices = u64::try_from(self.devices.len()).unwrap_or(u64::MAX);
        let stopped = *self.stop.borrow();
        let all_done = self.record.counters.retired == devices;
        let ran_out = now >= self.end && self.queue.next_due().is_none();
        // The log has not taken a row for so long that it won't.
        let stuck = self.end != Micros::MAX
            && clock
                .instant(self.end)
                .is_some_and(|end| Instant::now() >= end + DRAIN);
        if stopped || all_done || ran_out || stuck {
            let end = if stopped { now } else { self.end };
            self.count_unrun_ticks(self.queue.rate_scale.schedule_time(end));
            self.queue.drain().for_each(drop);
            self.heal_all();
            self.stage = Stage::Draining(Instant::now() + DRAIN);
        }
        false
    }

    /// Ticks that were due and will not be run: those of devices whose cell is down
    /// or, where the log held up this worker, of all.
    fn count_unrun_ticks(&mut self, end: Micros) {
        let held_up = self.record.appender.is_full();
        for slot in 0..DeviceIndex::try_from(self.devices.len()).unwrap_or(DeviceIndex::MAX) {
            let down = !self.devices.can_call(slot);
            let Some((device, group)) = self.devices.with_group(slot) else {
                continue;
            };
            if device.life == DeviceState::Alive && (down || held_up) {
                let owner = group.owner(device.index, device.born);
                let left = group.schedule.remaining(device.tick, end, owner);
                let counters = &mut self.record.counters;
                group.count_missed(device.group, counters, device.tick, left, owner);
                let why = if down {
                    "its cell was down"
                } else {
                    "the send log could not take more rows"
                };
                self.record.missed(device, group, left, why);
            }
        }
    }

    pub(crate) fn close(mut self) {
        if self.record.appender.must_wait() {
            // Also the goodbyes of connections would take along what waits.
            for transport in &mut self.transports {
                transport.drop_queued("the disk of the send log was full when the run ended");
            }
        }
        let Self {
            runtime,
            transports,
            ..
        } = &mut self;
        runtime.block_on(async {
            for transport in transports {
                transport.close().await;
            }
        });
        while !self.inbox.is_empty() {
            self.take_events();
        }
        self.record.counters.guest_memory = self.devices.memory();
        self.board.publish(&self.record.counters);
        self.record.appender.finish();
    }
}
