//! Simulates some devices of each group on a virtual clock, without network and log.

mod result;
mod sample;
mod simulate;
mod simulated_group;

pub use self::result::{DryRun, DryRunOptions, GroupResult, MIN_INTERVALS, RunTicks};
pub use self::sample::Sample;
pub use self::simulate::dry_run;
