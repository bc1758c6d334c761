//! Orders the scheduled events of a worker by due time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::clock::Micros;
use crate::time::rate_scale::RateScale;

/// Due times of the devices of a worker, earliest first, in the schedule time of its
/// [`RateScale`].
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    heap: BinaryHeap<Reverse<(Micros, u32)>>,
    pub(crate) rate_scale: RateScale,
}

impl EventQueue {
    /// Creates an empty queue.
    pub(crate) fn new(rate_scale: RateScale) -> Self {
        Self {
            heap: BinaryHeap::new(),
            rate_scale,
        }
    }

    /// Adds a device that is due at `at`. A device is in the queue at most once.
    pub(crate) fn push(&mut self, at: Micros, slot: u32) {
        self.heap.push(Reverse((at, slot)));
    }

    /// Returns the run time at which the next device is due.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let Reverse((at, _)) = self.heap.peek()?;
        Some(self.rate_scale.run_time(*at))
    }

    /// Returns the device that is due next.
    pub(crate) fn next_slot(&self) -> Option<u32> {
        let Reverse((_, slot)) = self.heap.peek()?;
        Some(*slot)
    }

    /// Removes the next device if it is due at this run time.
    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, u32)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > self.rate_scale.schedule_time(now) {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    /// Removes all devices.
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_leave_the_queue_in_order_of_due_time() {
        let mut queue = EventQueue::default();
        for (at, slot) in [(30, 1), (10, 2), (20, 3)] {
            queue.push(at, slot);
        }
        assert_eq!(queue.pop(9), None);
        assert_eq!(queue.pop(25), Some((10, 2)));
        assert_eq!(queue.pop(25), Some((20, 3)));
        assert_eq!(queue.pop(25), None);
        assert_eq!(queue.next_due(), Some(30));
    }
}
