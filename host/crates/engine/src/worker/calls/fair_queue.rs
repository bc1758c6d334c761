//! Orders due devices, with a fair share for each group.
//!
//! While no group is behind, devices are called in the order of their due times. Groups that
//! compete take turns (deficit round robin): a group whose calls took more than its quantum waits
//! until the others have had as much. A group of slow devices therefore delays the others by one
//! call, and not by all of its calls.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::time::clock::Micros;
use crate::time::rate_scale::RateScale;

/// Time that a group may take in one turn. It is long enough that a change of the group costs
/// nothing beside it.
const QUANTUM_NS: i64 = 2_000_000;

/// Due times of the devices of a worker, in the schedule time of its [`RateScale`].
#[derive(Debug)]
pub(crate) struct FairQueue {
    groups: Vec<GroupQueue>,
    /// Groups by the due time of their next device. An entry counts if its group is
    /// [`Place::Waiting`] with this due time.
    heads: BinaryHeap<Reverse<(Micros, u32)>>,
    /// Groups with due devices, in the order of their turns.
    ready: VecDeque<u32>,
    /// Whether the first ready group has had its quantum for this turn.
    has_quantum: bool,
    pub(crate) rate_scale: RateScale,
}

/// The due devices of one group.
#[derive(Debug, Default)]
struct GroupQueue {
    devices: BinaryHeap<Reverse<(Micros, u32)>>,
    place: Place,
    /// Time that the group may still take. Below zero it has taken more than its share.
    credit_ns: i64,
}

/// The place of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// It has no device in the queue.
    #[default]
    Empty,
    /// It is in `heads` with this due time.
    Waiting(Micros),
    /// It is in `ready`.
    Ready,
}

impl GroupQueue {
    /// Returns whether a device is due at this schedule time.
    #[inline]
    fn has_due(&self, reached: Micros) -> bool {
        let first = self.devices.peek();
        first.is_some_and(|Reverse((at, _))| *at <= reached)
    }
}

impl FairQueue {
    /// Creates an empty queue for this number of groups.
    pub(crate) fn new(rate_scale: RateScale, groups: usize) -> Self {
        let mut queues = Vec::new();
        queues.resize_with(groups, GroupQueue::default);
        Self {
            groups: queues,
            heads: BinaryHeap::new(),
            ready: VecDeque::new(),
            has_quantum: false,
            rate_scale,
        }
    }

    fn group(&mut self, group: u32) -> Option<&mut GroupQueue> {
        self.groups.get_mut(usize::try_from(group).ok()?)
    }

    /// Adds a device of a group that is due at `at`. A device is in the queue at most once.
    pub(crate) fn push(&mut self, at: Micros, group: u32, slot: u32) {
        let Some(queue) = self.group(group) else {
            return;
        };
        queue.devices.push(Reverse((at, slot)));
        let is_first = match queue.place {
            Place::Empty => true,
            Place::Waiting(head) => at < head,
            Place::Ready => false,
        };
        if is_first {
            queue.place = Place::Waiting(at);
            self.heads.push(Reverse((at, group)));
        }
    }

    /// Returns the run time at which the next device is due; 0 while groups have their turns.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let has_device = |group: &u32| {
            let queue = usize::try_from(*group).ok();
            let queue = queue.and_then(|place| self.groups.get(place));
            queue.is_some_and(|queue| !queue.devices.is_empty())
        };
        if self.ready.iter().any(has_device) {
            return Some(0);
        }
        let Reverse((at, _)) = self.heads.peek()?;
        Some(self.rate_scale.run_time(*at))
    }

    /// Returns the device that [`Self::pop_first`] removes next.
    pub(crate) fn next_slot(&self) -> Option<u32> {
        let Reverse((_, group)) = self.heads.peek()?;
        let queue = self.groups.get(usize::try_from(*group).ok()?)?;
        let Reverse((_, slot)) = queue.devices.peek()?;
        Some(*slot)
    }

    /// Removes the device that is due first, if it is due at this run time.
    pub(crate) fn pop_first(&mut self, now: Micros) -> Option<(Micros, u32)> {
        let reached = self.rate_scale.schedule_time(now);
        let Reverse((at, group)) = *self.heads.peek()?;
        if at > reached {
            return None;
        }
        self.heads.pop();
        let queue = self.group(group)?;
        let Reverse(due) = queue.devices.pop()?;
        self.wait(group);
        Some(due)
    }

    /// Removes a device that is due at this run time. [`Self::charge`] follows.
    #[inline]
    pub(crate) fn pop(&mut self, now: Micros) -> Option<(Micros, u32)> {
        let reached = self.rate_scale.schedule_time(now);
        loop {
            if !self.has_quantum {
                self.begin_turn(reached)?;
            }
            let group = *self.ready.front()?;
            let queue = self.group(group)?;
            let has_due = queue.has_due(reached);
            if has_due && queue.credit_ns > 0 {
                return queue.devices.pop().map(|Reverse(due)| due);
            }
            if !has_due {
                // A group cannot save time while it needs none.
                queue.credit_ns = queue.credit_ns.min(0);
            }
            self.has_quantum = false;
            self.ready.pop_front();
            match has_due {
                true => self.ready.push_back(group),
                false => self.wait(group),
            }
        }
    }

    /// Gives the next ready group its quantum. Returns `None` if no group is ready.
    fn begin_turn(&mut self, reached: Micros) -> Option<()> {
        while let Some(Reverse((at, group))) = self.heads.peek().copied()
            && at <= reached
        {
            self.heads.pop();
            if let Some(queue) = self.group(group)
                && queue.place == Place::Waiting(at)
            {
                queue.place = Place::Ready;
                self.ready.push_back(group);
            }
            self.drop_stale();
        }
        let group = *self.ready.front()?;
        let alone = self.ready.len() == 1;
        let queue = self.group(group)?;
        queue.credit_ns = match alone {
            // It takes time from nobody.
            true => QUANTUM_NS,
            false => (queue.credit_ns + QUANTUM_NS).min(QUANTUM_NS),
        };
        self.has_quantum = true;
        Some(())
    }

    /// Removes the first heads that do not count any more.
    fn drop_stale(&mut self) {
        while let Some(Reverse((at, group))) = self.heads.peek().copied() {
            let is_current = self
                .group(group)
                .is_some_and(|queue| queue.place == Place::Waiting(at));
            if is_current {
                return;
            }
            self.heads.pop();
        }
    }

    /// Puts a group back into `heads`, if it has devices.
    fn wait(&mut self, group: u32) {
        if let Some(queue) = self.group(group) {
            let next = queue.devices.peek().map(|Reverse((at, _))| *at);
            queue.place = next.map_or(Place::Empty, Place::Waiting);
            if let Some(at) = next {
                self.heads.push(Reverse((at, group)));
            }
        }
        self.drop_stale();
    }

    /// Charges the time of the last call to the group whose turn it is.
    #[inline]
    pub(crate) fn charge(&mut self, spent: Duration) {
        if let Some(group) = self.ready.front().copied() {
            self.charge_group(group, spent);
        }
    }

    /// Charges the time of other calls to a group.
    #[inline]
    pub(crate) fn charge_group(&mut self, group: u32, spent: Duration) {
        if let Some(queue) = self.group(group) {
            let spent = i64::try_from(spent.as_nanos()).unwrap_or(i64::MAX);
            queue.credit_ns = queue.credit_ns.saturating_sub(spent);
        }
    }

    /// Removes all devices.
    pub(crate) fn clear(&mut self) {
        for queue in &mut self.groups {
            *queue = GroupQueue::default();
        }
        self.heads.clear();
        self.ready.clear();
        self.has_quantum = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(groups: usize) -> FairQueue {
        FairQueue::new(RateScale::default(), groups)
    }

    #[test]
    fn devices_leave_the_queue_in_order_of_due_time() {
        for fair in [false, true] {
            let mut queue = queue(2);
            for (at, group, slot) in [(30, 0, 1), (10, 1, 2), (20, 0, 3)] {
                queue.push(at, group, slot);
            }
            let pop = |queue: &mut FairQueue, now| match fair {
                true => queue.pop(now),
                false => queue.pop_first(now),
            };
            assert_eq!(pop(&mut queue, 9), None);
            assert_eq!((queue.next_due(), queue.next_slot()), (Some(10), Some(2)));
            assert_eq!(pop(&mut queue, 25), Some((10, 2)));
            assert_eq!(pop(&mut queue, 25), Some((20, 3)));
            assert_eq!(pop(&mut queue, 25), None);
            assert_eq!(queue.next_due(), Some(30));
        }
    }

    #[test]
    fn earlier_time_of_a_group_moves_it_forward() {
        let mut queue = queue(2);
        queue.push(50, 0, 1);
        queue.push(40, 1, 2);
        queue.push(30, 0, 3);
        assert_eq!(queue.pop_first(100), Some((30, 3)));
        assert_eq!(queue.pop_first(100), Some((40, 2)));
        queue.push(45, 1, 2);
        assert_eq!(queue.pop_first(100), Some((45, 2)));
        assert_eq!(queue.pop_first(100), Some((50, 1)));
        assert_eq!((queue.pop_first(100), queue.next_due()), (None, None));
    }

    /// Runs devices whose calls take this long each, for a time. Each is due again at once.
    /// Returns the time that each group had.
    fn shares(calls: &[(u32, Duration)], time: Duration) -> Vec<Duration> {
        let groups = calls.iter().map(|(group, _)| group + 1).max().unwrap();
        let mut queue = queue(usize::try_from(groups).unwrap());
        for (slot, (group, _)) in (0..).zip(calls) {
            queue.push(0, *group, slot);
        }
        let mut had = vec![Duration::ZERO; usize::try_from(groups).unwrap()];
        let mut now = Duration::ZERO;
        while now < time {
            let (_, slot) = queue.pop(u64::try_from(now.as_micros()).unwrap()).unwrap();
            let (group, took) = calls[usize::try_from(slot).unwrap()];
            had[usize::try_from(group).unwrap()] += took;
            now += took;
            queue.push(u64::try_from(now.as_micros()).unwrap(), group, slot);
            queue.charge(took);
        }
        had
    }

    #[test]
    fn competing_groups_have_equal_shares() {
        let ms = Duration::from_millis;
        let calls = [
            (0, ms(60)),
            (0, ms(60)),
            (0, ms(60)),
            (1, ms(1)),
            (2, ms(1) / 10),
        ];
        let had = shares(&calls, ms(10_000));
        for share in &had {
            let share = share.as_secs_f64();
            assert!((3.2..3.5).contains(&share), "{had:?}");
        }
    }

    #[test]
    fn single_group_has_all_the_time() {
        let ms = Duration::from_millis;
        assert_eq!(shares(&[(0, ms(60)), (0, ms(1))], ms(6_100)), [ms(6_100)]);
    }

    #[test]
    fn group_that_waited_saves_no_time() {
        let mut queue = queue(2);
        queue.push(0, 0, 1);
        queue.push(0, 1, 2);
        let ms = Duration::from_millis;
        assert_eq!(queue.pop(0), Some((0, 1)));
        queue.charge(ms(100));
        queue.push(0, 0, 1);
        // The other group has its turns until it has had 100 ms as well.
        for _ in 0..49 {
            assert_eq!(queue.pop(0), Some((0, 2)));
            queue.charge(ms(2));
            queue.push(0, 1, 2);
        }
        let next: Vec<u32> = (0..4)
            .map(|_| {
                let (_, slot) = queue.pop(0).unwrap();
                queue.charge(ms(2));
                queue.push(0, slot - 1, slot);
                slot
            })
            .collect();
        assert!(next.contains(&1) && next.contains(&2), "{next:?}");
    }
}
