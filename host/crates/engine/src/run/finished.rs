//! Holds the result of a run.

use std::time::Duration;

use mockfleet_metrics::{CheckResult, ClockProgress, ConnectProgress, Counters, StageResult};
use mockfleet_sendlog::{Identity, LogSummary};

/// The result of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished {
    /// Identity of the run.
    pub identity: Identity,
    /// Devices of the fleet.
    pub devices: u64,
    /// Threads that called the devices.
    pub workers: u32,
    /// Counters of all workers.
    pub counters: Counters,
    /// Connections that were opened before the clock started, if there were some.
    pub connect: Option<ConnectProgress>,
    /// Time from the start of the clock to the last row.
    pub took: Duration,
    /// Time from the start of the clock to the end of the last worker.
    pub ran: Duration,
    /// Progress of the run's clock, if it is not the machine's.
    pub passed: Option<ClockProgress>,
    /// Whether no device has a schedule. Each device is then called whenever its outbox has
    /// room.
    pub flat_out: bool,
    /// Results of the stages of all groups.
    pub stages: Vec<StageResult>,
    /// Results of the checks.
    pub checks: Vec<CheckResult>,
    /// Rows, files and errors of the log.
    pub log: LogSummary,
    /// Workers that ended in a panic, a bug of mockfleet. Their rows are lost.
    pub lost_workers: usize,
}
