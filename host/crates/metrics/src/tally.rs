//! What is counted for one thing that checks are about: messages and ticks that were due
//! once the run was warm. Knows not which they are.

use super::counters::Spread;

/// Counts for the checks of one scope.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Messages that the backend confirmed.
    pub acked: u64,
    /// Messages on the wire that nobody confirms.
    pub sent: u64,
    /// Messages refused, timed out or lost.
    pub failed: u64,
    /// Messages that never left the host.
    pub dropped: u64,
    /// Messages unanswered when the run ended.
    pub unconfirmed: u64,
    /// Messages that were lost to a fault of the fleet file; they are none of the others.
    pub injected: u64,
    /// Ticks that were run.
    pub ticks: u64,
    /// Ticks that were due and not run.
    pub missed: u64,
    /// Calls that returned an error.
    pub failed_calls: u64,
    /// Cells that fell and were made again.
    pub restarts: u64,
    /// From due to sent.
    pub lag: Spread,
    /// From sent to confirmed.
    pub latency: Spread,
}

impl Tally {
    /// Messages that were to get through.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.acked + self.sent + self.failed + self.dropped + self.unconfirmed
    }

    /// Adds another worker's.
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
        self.lag.add(&other.lag);
        self.latency.add(&other.latency);
    }
}
