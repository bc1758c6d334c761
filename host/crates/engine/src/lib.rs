//! Runs fleets of virtual devices: plugins, transports and the send log together.
//!
//! For others: [`prepare`] checks a fleet and returns a [`Prepared`] run, which starts as a
//! [`Running`] one and ends as [`Finished`]. [`replay`] sends a recorded log again, [`dry_run()`]
//! simulates some devices without network and log.
//!
//! Running a fleet for ten seconds of virtual time, and counting the rows of its log:
//!
//! ```
//! use std::path::Path;
//!
//! use mockfleet_config::{Fleet, Store};
//! use mockfleet_engine::{RunOptions, prepare};
//! use mockfleet_plugin::Engine;
//!
//! let text = r#"
//! duration = "10s"
//! clock = { start = "2026-01-01T00:00:00Z", speed = "max" }
//!
//! [targets.broker]
//! url = "mqtt://127.0.0.1:1883"
//! channels.telemetry.topic = "site/{device}/telemetry"
//!
//! [[groups]]
//! name = "hall"
//! plugin = "builtin:thermometer"
//! count = 10
//! every = "1s"
//! "#;
//! let folder = tempfile::tempdir()?;
//! let store = Store::Folder(folder.path().to_owned());
//! let mut fleet = Fleet::parse(text, "fleet.toml", Path::new("."), &[])
//!     .map_err(|invalid| invalid.problems)?;
//! fleet.plan.log.store = Some(store.clone());
//!
//! let engine = Engine::new()?.with_builtins(|name| {
//!     mockfleet_builtin::find(name).map_err(|error| error.to_string())
//! });
//! // Messages become rows only, so the run needs no broker.
//! let options = RunOptions::default().with_sends(false);
//! let running = prepare(&fleet, &engine, &options)?.start();
//! let finished = running.finish(|_| {});
//! assert_eq!(finished.devices, 10);
//! assert!(finished.counters.messages > 0);
//!
//! let totals = mockfleet_sendlog::stats(&store)?.total();
//! assert_eq!(totals.sends.rows, finished.counters.messages);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The example `run_fleet` runs a fleet file and prints the counters of the run.
//!
//! Options and results may get new fields before 1.0. Options therefore begin with their
//! defaults, and `with_…` methods change them.
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
pub use self::group::instance_sizing::default_limits;
pub use self::group::turn_check::{stray_channel, unlisted_status};
pub use self::prepare::device_settings::{broken_schema, refused_line};
pub use self::prepare::groups::{FirstDevices, components, first_devices};
pub use self::prepare::schema::json_schema::{SchemaError, Validator, Violation, violations};
pub use self::run::{Finished, Prepared, RunOptions, Running, prepare};
pub use self::time::seed::device as device_seed;
