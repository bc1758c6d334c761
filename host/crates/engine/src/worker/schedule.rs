//! Holds the due times of ticks, and of restarts of instances.

use crate::time::clock::Micros;
use crate::time::event_queue::EventQueue;
use crate::time::rate_scale::RateScale;
use crate::time::tick_schedule::TickTime;
use crate::worker::devices::{Device, DeviceState};
use mockfleet_transport::DeviceIndex;

/// The due times of one worker.
pub(crate) struct Schedule {
    /// Starts and ticks of devices.
    pub(crate) ticks: EventQueue,
    /// Restarts of crashed instances, by the number of the instance.
    pub(crate) restarts: EventQueue,
    /// The end of the run: no tick is due from here on.
    pub(crate) end: Micros,
}

impl Schedule {
    pub(crate) fn new(rate_scale: RateScale, end: Micros) -> Self {
        Self {
            ticks: EventQueue::new(rate_scale),
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
            self.ticks.push(tick.due, slot);
        } else {
            device.state = DeviceState::Idle;
        }
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
        let mut schedule = Schedule::new(RateScale::default(), 100);
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
        let mut schedule = Schedule::new(RateScale::default(), 100);
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
