//! Counts the messages and ticks of one scope of checks.
//!
//! A scope is the fleet, a group, or a channel. Messages and ticks of the warm-up do not
//! count.

use crate::counters::histogram::LatencyHistogram;

/// Counts for the checks of one scope.
#[derive(Debug, Clone, Default)]
pub struct CheckCounters {
    /// Messages that the backend confirmed.
    pub acked: u64,
    /// Messages on the wire without confirmation.
    pub sent: u64,
    /// Messages refused, timed out or lost.
    pub failed: u64,
    /// Messages that never left the host.
    pub dropped: u64,
    /// Messages unanswered when the run ended.
    pub unconfirmed: u64,
    /// Messages that were lost to a fault of the fleet file; the other counts exclude them.
    pub injected: u64,
    /// Ticks that were run.
    pub ticks: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// Calls that returned an error.
    pub failed_calls: u64,
    /// Cells that crashed and were restarted.
    pub restarts: u64,
    /// Connections that were opened, also during the warm-up.
    pub connections: u64,
    /// Connections that were opened again after the backend or the network ended them.
    pub reconnects: u64,
    /// Time from due to sent.
    pub lag: LatencyHistogram,
    /// Time from sent to confirmed.
    pub latency: LatencyHistogram,
}

impl CheckCounters {
    /// Returns the number of messages to be delivered.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.acked + self.sent + self.failed + self.dropped + self.unconfirmed
    }

    /// Returns the number of messages that got through.
    #[must_use]
    pub fn got_through(&self) -> u64 {
        self.acked + self.sent
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        self.acked += other.acked;
        self.sent += other.sent;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.unconfirmed += other.unconfirmed;
        self.injected += other.injected;
        self.ticks += other.ticks;
        self.missed += other.missed;
        self.failed_calls += other.failed_calls;
        self.restarts += other.restarts;
        self.connections += other.connections;
        self.reconnects += other.reconnects;
        self.lag.add(&other.lag);
        self.latency.add(&other.latency);
    }
}
