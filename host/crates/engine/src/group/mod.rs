//! Describes the groups of a run, and counts by group.

pub(crate) mod device_group;
pub(crate) mod instance_sizing;
pub(crate) mod stage_counters;
pub(crate) mod thresholds;
pub(crate) mod turn_check;
