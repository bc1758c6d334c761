//! Runs fleets: plugins, transports and the send log together.
//!
//! For others: a fleet is prepared, started, watched and finished.

mod breakpoint;
mod dry_run;
mod faults;
mod group;
mod prepare;
pub mod replay;
mod run;
mod time;
mod worker;

pub use self::breakpoint::{Action, BreakpointSearch, SearchDriver, StopCondition};
pub use self::dry_run::{
    DryRun, DryRunOptions, GroupResult, MIN_INTERVALS, RunTicks, Sample, dry_run,
};
pub use self::prepare::device_settings::refused_line;
pub use self::prepare::groups::{components, first_devices};
pub use self::prepare::json_schema::{Validator, violations};
pub use self::run::{Finished, Prepared, RunOptions, Running, prepare};
pub use self::time::seed::device as device_seed;
