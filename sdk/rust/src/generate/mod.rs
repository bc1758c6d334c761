//! Generates values that change over time as those of a sensor do.
//!
//! Behaviours use generators in their code. Devices without code have them in their
//! settings. A generator depends on its seed, the times of its calls, and its own small
//! state: the same seed gives the same values on every machine.
//!
//! ```
//! use mockfleet_sdk::generate::{Context, Walk};
//! # use mockfleet_sdk::{Device, Instant, Tick, testing::Setup};
//! # let device = Setup::default().device();
//! # let tick = Tick::new(device.born, 0);
//!
//! // In `create`, once. A problem of the specification is an `Error::InvalidConfig`.
//! let mut temperature = Walk::new(20.0)
//!     .within(-10.0..=40.0)
//!     .step(0.3)
//!     .decimals(2)
//!     .start(device.rng().stream("temperature"))?;
//!
//! // In `tick`:
//! let context = Context::new(&device, tick);
//! assert_eq!(temperature.number(&context)?, 20.0);
//! # Ok::<(), mockfleet_sdk::Error>(())
//! ```
//!
//! # Kinds
//! - Random: [`Uniform`], [`Normal`], [`Exponential`], [`Poisson`], [`Chance`], [`Walk`],
//!   [`Bucket`], [`Markov`].
//! - From the time: [`Counter`], [`Wave`], [`Curve`], [`Profile`], [`Timestamp`].
//! - From data: `Replay` (CSV, JSON lines), [`Route`] (GeoJSON, GPX).
//! - From other fields: [`Field`], `Expression`, `Text`.
//! - From other generators: [`Object`], [`Bulk`], and [`Faulty`] with any [`Fault`] of a
//!   sensor.
//! - [`Constant`] and [`Id`].
//!
//! Some kinds need features of the crate: `files` has `Replay` and the files of routes,
//! `ids` has UUIDs and ULIDs, `templates` has `Expression` and `Text`, and `zones` has time
//! zones by name and `strftime`. The feature `generate` is all of them. A feature that is
//! off does not make a plugin larger.
//!
//! # From a configuration
//! A [`Spec`] is a generator as a setting: serde reads it by its `kind`, and it has a JSON
//! Schema. [`Spec::from_json`] also refuses numbers that serde would round. [`Spec::plan`] checks it and returns all problems, each with its path. Make one
//! plan a cell: the [`Plan`] is shared, and [`Plan::start`] gives each device its
//! [`Generator`] of a few bytes.
//!
//! ```
//! use mockfleet_sdk::generate::{Scope, Spec};
//!
//! let spec: Spec = serde_json::from_str(r#"{ "kind": "walk", "min": 5, "max": 2, "pull": 3 }"#)?;
//! let problems = spec.plan(&Scope::new()).unwrap_err().within("fields.temperature");
//! assert_eq!(problems.to_string(), "\
//! fields.temperature.pull: 3 is no share; it lies between 0 and 1
//! fields.temperature.min: 5 lies above max, 2; the lower one is min");
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Fields that depend on one another have names in a [`Scope`]. [`Plan::reads`] returns the
//! names that a generator needs, so that their values are made first.
//!
//! ```
//! use mockfleet_sdk::generate::{Context, Field, Scope, Value};
//! # use mockfleet_sdk::{Tick, testing::Setup};
//! # let device = Setup::default().device();
//! # let tick = Tick::new(device.born, 0);
//!
//! let scope = Scope::new().names(["temperature", "shown"]);
//! let plan = Field::new("temperature").plan(&scope)?;
//! assert_eq!(plan.reads(), [0]);
//!
//! let mut shown = plan.start(device.rng().stream("shown"));
//! let values = [Value::Number(21.5), Value::Missing];
//! let context = Context::new(&device, tick).fields(&values);
//! assert_eq!(shown.next(&context)?, Value::Number(21.5));
//! # Ok::<(), mockfleet_sdk::Error>(())
//! ```

mod common;
mod data;
mod fields;
mod planning;
mod random;
#[cfg(feature = "files")]
mod replay;
mod route;
mod spec;
#[cfg(test)]
mod testing;
mod time;

pub use common::context::Context;
pub use common::decimal::{parse_number, same_value};
pub use common::known_parts::KnownParts;
pub use common::part_path::PartPath;
pub use common::problems::Problems;
pub use common::span::{Shift, Span};
pub use common::value::Value;
#[cfg(feature = "files")]
pub use data::format::{ColumnType, DataFormat};
pub use fields::constant::{Constant, Counter, Field};
pub use fields::id::{Id, IdScope, Style};
#[cfg(feature = "templates")]
pub use fields::template::{Expression, Text};
pub use planning::check::PartRead;
pub use planning::scope::Scope;
pub use random::arrival::{Exponential, Poisson};
pub use random::bucket::{Bucket, Order};
pub use random::distributions::{Chance, Normal, Uniform};
pub use random::markov::{Markov, State};
pub use random::walk::Walk;
#[cfg(feature = "files")]
pub use replay::options::{Column, ReplayEnd, ReplayStart, TimeUnit, TypedColumn};
#[cfg(feature = "files")]
pub use replay::spec::Replay;
#[cfg(feature = "files")]
pub use route::spec::RouteGap;
pub use route::spec::{Route, RouteEnd, Waypoint};
pub use spec::fault::{
    Drift, Fault, Missing, Noise, Null, OutOfRange, SkewedClock, Spike, StuckAt, WrongType,
};
pub use spec::kinds::{Bulk, Faulty, Generator, Object, Plan, Spec};
pub use time::curve::{Curve, Point};
pub use time::interpolation::Interpolation;
pub use time::origin::Origin;
pub use time::profile::{DayPoint, Profile, TimeOfDay, Week};
pub use time::timestamp::{Format, Timestamp, TimestampSource};
pub use time::wave::{Shape, Wave};
