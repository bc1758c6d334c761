//! Defines the options and the result of a dry run.
//!
//! In a dry run, some devices of each group run on a virtual clock, without network and log.
//! They use the schedule and the seeds of the fleet. A [`Sample`] holds their messages, from
//! which a forecast of the whole run is computed.

use std::time::Duration;

use crate::dry_run::sample::Sample;
use mockfleet_sendlog::RunCatalog;

/// The part of a fleet that a dry run simulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DryRunOptions {
    /// Largest number of simulated devices of each group; 1,000 by default.
    pub devices: u32,
    /// Virtual time of each device, 5 minutes by default. A device runs for at least
    /// [`MIN_INTERVALS`] of its intervals.
    pub time: Duration,
}

impl Default for DryRunOptions {
    fn default() -> Self {
        Self {
            devices: 1_000,
            time: Duration::from_secs(300),
        }
    }
}

impl DryRunOptions {
    /// Sets the largest number of simulated devices of each group.
    #[must_use]
    pub fn with_devices(mut self, devices: u32) -> Self {
        self.devices = devices;
        self
    }

    /// Sets the virtual time of each device.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

/// Smallest number of intervals of a simulated device, for devices that are called rarely.
pub const MIN_INTERVALS: u64 = 3;

/// The result of a dry run.
#[derive(Debug)]
#[non_exhaustive]
pub struct DryRun {
    /// The run catalog, which resolves the numbers in rows.
    pub directory: RunCatalog,
    /// The results of the groups, in the order of the fleet file.
    pub groups: Vec<GroupResult>,
}

/// The result of one group.
#[derive(Debug)]
#[non_exhaustive]
pub struct GroupResult {
    /// Its name.
    pub name: String,
    /// Number of devices in the group.
    pub devices: u32,
    /// Number of simulated devices.
    pub sampled: u32,
    /// The virtual time that each simulated device ran for.
    pub time: Duration,
    /// Ticks that their schedule has in that time.
    pub due: u64,
    /// Ticks that ran. There are fewer where devices crashed or retired. The number also
    /// differs where devices choose their next tick.
    pub ticks: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell crashed. They send nothing from then on.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// The first crash, as a message.
    pub fault: Option<String>,
    /// The interval between ticks of a device.
    pub every: Duration,
    /// Whether the group has stages, whose rates only `run` contains.
    pub stages: bool,
    /// Ticks and messages of a time that an hour's figures derive from.
    pub steady: SteadyTicks,
    /// The time after which `phases` repeat: the interval, or whole periods of cron patterns.
    pub cycle: Duration,
    /// The time after which the cron patterns repeat, if the dry run was shorter.
    pub uncovered: Option<Duration>,
    /// Phases of the devices within the cycle, in microseconds, sorted.
    pub phases: Vec<u64>,
    /// Ticks of the whole group within the fleet's duration.
    pub run: Option<RunTicks>,
    /// Messages and statuses of the simulated devices.
    pub sample: Sample,
}

/// Ticks of the simulated devices that represent any later time.
///
/// These are all ticks. With cron patterns or waits, they are those after the first interval,
/// in whole periods of the patterns.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SteadyTicks {
    /// Ticks that the schedule has.
    pub due: u64,
    /// Rows that these devices returned in their ticks.
    pub messages: f64,
}

/// Ticks within the fleet's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RunTicks {
    /// Ticks in the schedule of all devices.
    pub due: u64,
    /// Ticks in the schedule of the simulated devices, up to the time that the simulation
    /// reached.
    pub sampled_due: u64,
    /// Messages of the simulated devices in these ticks.
    pub sampled_messages: u64,
    /// Messages of the whole group that devices send when they are switched on, before their
    /// ticks.
    pub start_messages: u64,
    /// Whether `steady` forecasts the run better: cron patterns or waits, and a simulation that
    /// ended before the run would.
    pub is_extrapolated: bool,
}
