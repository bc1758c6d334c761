//! Simulates some devices of each group on a virtual clock.
//!
//! Nothing is sent, and nothing is written to a log.

mod calendar;
mod result;
mod sample;
mod simulate;
mod simulated_device;
mod simulated_group;
mod simulated_span;

pub use self::result::{DryRun, DryRunOptions, GroupResult, MIN_INTERVALS, RunTicks};
pub use self::sample::Sample;
pub use self::simulate::dry_run;
