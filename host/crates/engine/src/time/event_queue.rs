//! Orders entries by due time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::clock::Micros;

/// Due times, earliest first.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    heap: BinaryHeap<Reverse<(Micros, u32)>>,
}

impl EventQueue {
    /// Adds an entry that is due at `at`.
    pub(crate) fn push(&mut self, at: Micros, slot: u32) {
        self.heap.push(Reverse((at, slot)));
    }

    /// Returns the time at which the next entry is due.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let Reverse((at, _)) = self.heap.peek()?;
        Some(*at)
    }

    /// Removes the next entry if it is due at this time.
    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, u32)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
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
