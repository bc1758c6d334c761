//! Holds the due times of ticks, and of restarts of instances.

use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::time::event_queue::EventQueue;
use crate::time::rate_scale::RateScale;
use crate::time::tick_schedule::{MIN_TICK_INTERVAL, TickTime};
use crate::worker::calls::fair_queue::FairQueue;
use crate::worker::devices::{Device, DeviceState};
use mockfleet_transport::DeviceIndex;

/// The due times of one worker.
pub(crate) struct Schedule {
    /// Starts and ticks of devices.
    pub(crate) ticks: FairQueue,
    /// Restarts of crashed instances, by the number of the instance.
    pub(crate) restarts: EventQueue,
    /// The end of the run: no tick is due from here on.
    pub(crate) end: Micros,
}

impl Schedule {
    pub(crate) fn new(rate_scale: RateScale, end: Micros, groups: usize) -> Self {
        Self {
            ticks: FairQueue::new(rate_scale, groups),
            restarts: EventQueue::default(),
            end,
        }
    }

    /// Sets the next tick of a device, in place of its former one. The tick runs if the device is
    /// active and the run is not over by then.
    pub(crate) fn set_next_tick(&mut self, slot: DeviceIndex, device: &mut Device, tick: TickTime) {
        device.tick = tick;
        if !device.state.is_active() {
            return;
        }
        if tick.due < self.end {
            device.state = DeviceState::Scheduled;
            self.ticks.push(tick.due, device.group, slot);
        } else {
            device.state = DeviceState::Idle;
        }
    }

    /// Returns the tick that a device requests between its ticks: `length` after the run time
    /// `at`.
    pub(crate) fn requested_tick(
        &self,
        device: &Device,
        group: &Group,
        at: Micros,
        length: Micros,
    ) -> TickTime {
        let reached = self.ticks.rate_scale.schedule_time(at);
        let due = reached.saturating_add(length.max(MIN_TICK_INTERVAL));
        let owner = group.owner(device.index, device.born);
        group.schedule.at(due, owner)
    }

    /// Returns the run time of a device's next tick, as the device will receive it at the run
    /// time `at` or later. `None` if its schedule has no more.
    pub(crate) fn pending_tick(
        &self,
        device: &Device,
        group: &Group,
        at: Micros,
    ) -> Option<Micros> {
        let rate_scale = &self.ticks.rate_scale;
        let owner = group.owner(device.index, device.born);
        let reached = rate_scale.schedule_time(at);
        let pending = group
            .schedule
            .catch_up(device.tick, reached, self.end, owner)
            .tick;
        if pending.due == Micros::MAX {
            return None;
        }
        let due = rate_scale.run_time(pending.due);
        Some(match group.schedule.is_flat_out() {
            true => due.max(at),
            false => due,
        })
    }

    /// Returns the time of the next tick or restart.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let due = self.ticks.next_due().into_iter();
        due.chain(self.restarts.next_due()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_tick_of_an_inactive_device_is_not_scheduled() {
        let mut schedule = Schedule::new(RateScale::default(), 100, 1);
        let tick = TickTime {
            nominal: 10,
            due: 10,
        };
        for state in [
            DeviceState::Created,
            DeviceState::Connecting,
            DeviceState::Retired,
        ] {
            let mut device = Device::new(0, 0, 0, tick);
            device.state = state;
            schedule.set_next_tick(0, &mut device, tick);
            assert_eq!((device.state, schedule.next_due()), (state, None));
        }
    }

    #[test]
    fn device_is_idle_if_its_next_tick_is_after_the_end() {
        let mut schedule = Schedule::new(RateScale::default(), 100, 1);
        let at = |due| TickTime { nominal: due, due };
        let mut device = Device::new(0, 0, 0, at(10));
        device.state = DeviceState::Idle;
        schedule.set_next_tick(7, &mut device, at(99));
        assert_eq!(device.state, DeviceState::Scheduled);
        assert_eq!(schedule.ticks.pop(99), Some((99, 7)));
        schedule.set_next_tick(7, &mut device, at(100));
        assert_eq!(
            (device.state, schedule.next_due()),
            (DeviceState::Idle, None)
        );
    }
}
