//! The checked plan of a run: what is left of a fleet file once every value has
//! been read, its unit applied and every name resolved. Nothing here can be wrong
//! any more; nothing here knows TOML.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::plan::checks::Checks;
use crate::plan::clock::Clock;
use crate::plan::group::Group;
use crate::plan::log::Log;
use crate::plan::target::Target;

/// A whole fleet, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The fleet's name, as it stands in topics (`{fleet}`) and in the summary.
    pub name: String,
    /// Every device's seed is derived from this one.
    pub seed: u64,
    /// How long ticks are due, on the run's clock; `None` runs until it is stopped.
    pub duration: Option<Duration>,
    /// The run's own clock.
    pub clock: Clock,
    /// Where groups send, in the order of the file.
    pub targets: Vec<Target>,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
    /// Where and how the send log is written.
    pub log: Log,
    /// What must hold at the end of the run.
    pub checks: Checks,
}

/// How many devices share one instance of a plugin where the fleet file does not say, and
/// the instance is small.
pub const DEVICES_PER_CELL: u32 = 64;

impl Plan {
    /// Instances of plugins that the fleet needs at most, about: before a plugin is loaded
    /// nobody knows whether its instances are large.
    #[must_use]
    pub fn cells(&self) -> u64 {
        let size = |group: &Group| {
            group
                .devices_per_cell
                .map_or(DEVICES_PER_CELL, NonZeroU32::get)
        };
        let cells = |group: &Group| group.count.div_ceil(size(group));
        self.groups
            .iter()
            .map(|group| u64::from(cells(group)))
            .sum()
    }
}
