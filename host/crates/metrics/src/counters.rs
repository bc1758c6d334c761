//! What one worker counts, and how the counts of all become those of the run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hdrhistogram::Histogram;

use super::injected::Injected;
use super::notices::Notices;
use super::stages::GroupBook;
use super::tally::Tally;

/// Counts since the run began. Plain numbers that one worker adds to; a copy is
/// published a few times a second.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Devices that have been switched on.
    pub born: u64,
    /// Devices whose connection is up (MQTT).
    pub up: u64,
    /// Devices that are done for good.
    pub retired: u64,
    /// Ticks a second that the devices that are alive are to have, those of groups
    /// with stages aside.
    pub asked: f64,
    /// Ticks of groups with stages, by the number of the group.
    pub groups: BTreeMap<u32, GroupBook>,
    /// Ticks that were run.
    pub ticks: u64,
    /// Ticks that were due and not run.
    pub missed_ticks: u64,
    /// Ticks and events that returned an error.
    pub failed_calls: u64,
    /// Cells that fell and were made again.
    pub cell_restarts: u64,
    /// Bytes of linear memory of the cells that are there.
    pub guest_memory: u64,
    /// Messages that devices returned.
    pub messages: u64,
    /// Messages whose outcome is not known yet.
    pub open: u64,
    /// Messages that the backend confirmed.
    pub acked: u64,
    /// Messages on the wire that nobody confirms (QoS 0).
    pub sent: u64,
    /// Messages refused, timed out or lost.
    pub failed: u64,
    /// Messages that never left the host.
    pub dropped: u64,
    /// Messages on the wire and unanswered when the run ended.
    pub unconfirmed: u64,
    /// Messages that were written to the log only; their target was not contacted.
    pub written: u64,
    /// Messages of the backend to devices.
    pub received: u64,
    /// The most messages that were open at once; of several workers, the sum of theirs.
    pub open_most: u64,
    /// The fullest outbox that there was.
    pub deepest: Depth,
    /// Messages that found their device's outbox full.
    pub outbox_full: u64,
    /// When a message last got through, microseconds into the run by the machine's clock.
    pub last_through_us: u64,
    /// When all this was counted, microseconds into the run; of several workers, the
    /// sum of theirs.
    pub told_us: u64,
    /// Microseconds spent on calling devices and on their messages, outside of I/O.
    pub busy_us: u64,
    /// Microseconds spent on I/O, waiting aside.
    pub io_us: u64,
    /// Microseconds in which the log took no rows, and devices waited.
    pub held_us: u64,
    /// From due to called: the host's own delay.
    pub delay: Spread,
    /// From due to sent.
    pub lag: Spread,
    /// From sent to confirmed.
    pub latency: Spread,
    /// What was broken on purpose. Messages that were lost to it count here, and not
    /// as failed, dropped or unconfirmed.
    pub injected: Injected,
    /// Why messages failed, were dropped or stayed unconfirmed.
    pub causes: Notices,
    /// What else the user should know.
    pub notices: Notices,
    /// What checks are judged by, by what they are about; empty without checks.
    pub checks: Vec<Tally>,
}

impl Counters {
    /// Adds another worker's.
    pub fn add(&mut self, other: &Self) {
        self.born += other.born;
        self.up += other.up;
        self.retired += other.retired;
        self.asked += other.asked;
        for (number, group) in &other.groups {
            self.groups.entry(*number).or_default().add(group);
        }
        self.ticks += other.ticks;
        self.missed_ticks += other.missed_ticks;
        self.failed_calls += other.failed_calls;
        self.cell_restarts += other.cell_restarts;
        self.guest_memory += other.guest_memory;
        self.messages += other.messages;
        self.open += other.open;
        self.acked += other.acked;
        self.sent += other.sent;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.unconfirmed += other.unconfirmed;
        self.written += other.written;
        self.received += other.received;
        self.open_most += other.open_most;
        self.deepest = self.deepest.fuller(other.deepest);
        self.outbox_full += other.outbox_full;
        self.last_through_us = self.last_through_us.max(other.last_through_us);
        self.told_us += other.told_us;
        self.busy_us += other.busy_us;
        self.io_us += other.io_us;
        self.held_us += other.held_us;
        self.delay.add(&other.delay);
        self.lag.add(&other.lag);
        self.latency.add(&other.latency);
        self.injected.add(&other.injected);
        self.causes.add(&other.causes);
        self.notices.add(&other.notices);
        let most = self.checks.len().max(other.checks.len());
        self.checks.resize_with(most, Tally::default);
        for (mine, other) in self.checks.iter_mut().zip(&other.checks) {
            mine.add(other);
        }
    }
}

/// How full an outbox was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Open messages.
    pub open: u32,
    /// How many it may hold.
    pub of: u32,
}

impl Depth {
    /// The one of two that was fuller for its size.
    #[must_use]
    pub fn fuller(self, other: Self) -> Self {
        let part = |depth: Self, of: u32| u64::from(depth.open) * u64::from(of.max(1));
        if part(other, self.of) > part(self, other.of) {
            other
        } else {
            self
        }
    }
}

/// How a time is spread, in microseconds, to three digits.
#[derive(Debug, Clone)]
pub struct Spread(Option<Histogram<u64>>);

impl Default for Spread {
    fn default() -> Self {
        // Three significant digits; grows with the values it is given. `None` only
        // if the crate refused three digits, which it documents to accept.
        Self(Histogram::new(3).ok())
    }
}

impl Spread {
    /// Counts one value.
    pub fn record(&mut self, micros: u64) {
        if let Some(histogram) = &mut self.0 {
            // It grows with its values; `saturating_record` would keep it as it began.
            let _ = histogram.record(micros);
        }
    }

    /// The value that this share of all values does not pass; zero without values.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0, |histogram| histogram.value_at_quantile(share))
    }

    /// The largest value; zero without values.
    #[must_use]
    pub fn max(&self) -> u64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0, Histogram::max)
    }

    /// The values that were counted after those of an earlier copy of this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        if let (Some(mine), Some(earlier)) = (&mut later.0, &earlier.0) {
            // Fails only where the other is no earlier copy.
            let _ = mine.subtract(earlier);
        }
        later
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    pub(super) fn add(&mut self, other: &Self) {
        if let (Some(mine), Some(other)) = (&mut self.0, &other.0) {
            // Fails only where this one could not grow, and it can.
            let _ = mine.add(other);
        }
    }
}

/// Where one worker publishes its counters.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Counters>>);

impl Board {
    /// Replaces what was published before.
    pub fn publish(&self, counters: &Counters) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.clone_from(counters);
    }

    /// Adds what was last published to `sum`.
    pub fn add_to(&self, sum: &mut Counters) {
        sum.add(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_workers_add_up() {
        let boards = [Board::default(), Board::default()];
        for (board, lag) in boards.iter().zip([10, 1_000_000]) {
            let mut counters = Counters {
                messages: 3,
                ..Counters::default()
            };
            counters.lag.record(lag);
            board.publish(&counters);
        }
        let mut sum = Counters::default();
        boards.iter().for_each(|board| board.add_to(&mut sum));
        assert_eq!(sum.messages, 6);
        assert_eq!((sum.lag.quantile(0.5), sum.lag.max()), (10, 1_000_447));
    }

    #[test]
    fn without_values_there_is_no_time() {
        assert_eq!(
            (Spread::default().quantile(0.99), Spread::default().max()),
            (0, 0)
        );
    }
}
