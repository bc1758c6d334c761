//! Runs fleets of virtual devices: plugins, transports and the send log together.
//!
//! For others: [`prepare`] checks a fleet and returns a [`Prepared`] run, which starts as a
//! [`Running`] one and ends as [`Finished`]. [`replay`] sends a recorded log again, [`dry_run()`]
//! simulates some devices without network and log.
//!
//! | room | contents |
//! |---|---|
//! | `prepare` | checks before the first message: plugins, settings, data files, limits |
//! | `run` | the life of a run, and its threads |
//! | `worker` | the loop of one thread: devices, connections, rows, injected faults |
//! | `group` | groups, counters by group, checks |
//! | `time` | clocks, schedules, stages, seeds |
//! | `faults` | draws of injected faults |
//! | `breakpoint`, `dry_run`, `replay` | the other kinds of run |

mod breakpoint;
mod dry_run;
mod faults;
mod group;
mod prepare;
pub mod replay;
mod run;
mod time;
mod worker;

pub use self::breakpoint::{
    Action, BreakpointSearch, SearchDriver, StopCondition, StopConditionError,
};
pub use self::dry_run::{
    DryRun, DryRunOptions, GroupResult, MIN_INTERVALS, RunTicks, Sample, dry_run,
};
pub use self::prepare::device_settings::refused_line;
pub use self::prepare::groups::{components, first_devices};
pub use self::prepare::json_schema::{SchemaError, Validator, Violation, violations};
pub use self::run::{Finished, Prepared, RunOptions, Running, prepare};
pub use self::time::seed::device as device_seed;
