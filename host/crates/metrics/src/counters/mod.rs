//! Counters of one worker and their sums.

pub(crate) mod check_counters;
pub(crate) mod fault_counters;
pub(crate) mod histogram;
pub(crate) mod late_time;
pub(crate) mod queue_depth;
pub(crate) mod shared;
pub(crate) mod stage_counters;
pub(crate) mod warnings;
pub(crate) mod worker_counters;

pub use check_counters::CheckCounters;
pub use fault_counters::FaultCounters;
pub use histogram::LatencyHistogram;
pub use late_time::LateTime;
pub use queue_depth::QueueDepth;
pub use shared::SharedCounters;
pub use stage_counters::{StageCounters, StageTicks};
pub use warnings::Warnings;
pub use worker_counters::Counters;
