//! Defines the options and the result of a dry run.
//!
//! In a dry run, some devices of each group run on a virtual clock, with the schedule and the seeds
//! of the fleet, without network and log. A [`Sample`] holds their messages, from which a forecast
//! of the whole run is computed.

use std::time::Duration;

use crate::dry_run::sample::Sample;
use mockfleet_sendlog::RunCatalog;

/// How much of a fleet is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DryRunOptions {
    /// Devices of each group, at most.
    pub devices: u32,
    /// Virtual time of each device; at least [`MIN_INTERVALS`] of its intervals.
    pub time: Duration,
}

/// A device that is called less often in the time is rehearsed for so many intervals.
pub const MIN_INTERVALS: u64 = 3;

/// A fleet that was rehearsed.
#[derive(Debug)]
pub struct DryRun {
    /// What rows refer to by number.
    pub directory: RunCatalog,
    /// In the order of the fleet file.
    pub groups: Vec<GroupResult>,
}

/// What was learned of a group.
#[derive(Debug)]
pub struct GroupResult {
    /// Its name.
    pub name: String,
    /// How many devices it has.
    pub devices: u32,
    /// How many of them were rehearsed.
    pub sampled: u32,
    /// The virtual time for which they were.
    pub time: Duration,
    /// Ticks that their schedule has in that time.
    pub due: u64,
    /// Ticks that they had: fewer where they fell or retired, others where they name
    /// their next tick themselves.
    pub ticks: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell fell; they are silent from then on.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// The first fault, in words.
    pub fault: Option<String>,
    /// The interval of a device.
    pub every: Duration,
    /// Whether it has stages: their rates are in `run` only.
    pub stages: bool,
    /// Where in their interval the devices are due, in microseconds, in order.
    pub phases: Vec<u64>,
    /// What the whole group does within the fleet's duration.
    pub run: Option<RunTicks>,
    /// What the devices said.
    pub sample: Sample,
}

/// Ticks within the fleet's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunTicks {
    /// That the schedule of all devices has in it.
    pub due: u64,
    /// That the schedule of the rehearsed ones had in it, as far as it was rehearsed.
    pub sampled_due: u64,
    /// Messages of the rehearsed ones in them.
    pub sampled_messages: u64,
}
