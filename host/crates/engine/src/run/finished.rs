//! Holds the result of a run.

use std::time::Duration;

use mockfleet_metrics::{CheckResult, ClockProgress, Counters, StageResult};
use mockfleet_sendlog::{Identity, LogSummary};

/// The end of a run.
#[derive(Debug)]
pub struct Finished {
    /// Which run it was.
    pub identity: Identity,
    /// Devices of the fleet.
    pub devices: u64,
    /// Threads that called them.
    pub workers: u32,
    /// What was counted.
    pub counters: Counters,
    /// From start to the last row.
    pub took: Duration,
    /// From start to the end of the last worker.
    pub ran: Duration,
    /// What time of the fleet passed, where that is not the machine's.
    pub passed: Option<ClockProgress>,
    /// Whether no device has a schedule: all are called as fast as their outbox empties.
    pub flat_out: bool,
    /// What came of the stages of groups.
    pub stages: Vec<StageResult>,
    /// What was to hold, and whether it did.
    pub checks: Vec<CheckResult>,
    /// What the log holds, or why it is not whole.
    pub log: LogSummary,
    /// Workers that ended in a panic: a bug of mockfleet, with rows lost.
    pub lost_workers: usize,
}
