//! Holds the plan of a whole fleet.
//!
//! Every value of the fleet file is read, with its unit applied and its names resolved. A plan
//! has no errors left.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::units::ByteSize;
use crate::plan::checks::Checks;
use crate::plan::clock::Clock;
use crate::plan::group::Group;
use crate::plan::log::Log;
use crate::plan::target::Target;

/// A whole fleet with all settings checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The fleet's name, in topics (`{fleet}`) and in the summary.
    pub name: String,
    /// Every device's seed is derived from this one.
    pub seed: u64,
    /// The duration on the run's clock; `None` runs until it is stopped.
    pub duration: Option<Duration>,
    /// The run's own clock.
    pub clock: Clock,
    /// Most memory of messages on their way; `None` means the default for this machine.
    pub in_flight: Option<ByteSize>,
    /// The targets, in the order of the file.
    pub targets: Vec<Target>,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
    /// The send log.
    pub log: Log,
    /// The checks.
    pub checks: Checks,
}

/// The number of devices that share a small plugin instance, if the fleet file does not set it.
pub const DEVICES_PER_CELL: u32 = 64;

impl Plan {
    /// Returns the approximate maximum of plugin instances. The size of instances is known only
    /// after the plugins are loaded.
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
