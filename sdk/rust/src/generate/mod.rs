//! Generators: values that change over time as a sensor's do, for behaviours and for
//! devices without code.
//!
//! A generator is a pure function of its seed, the moments it is asked at, and its own
//! small state: the same seed gives the same values on every machine.
//!
//! ```
//! use mockfleet_sdk::generate::{At, Walk};
//! # use mockfleet_sdk::{Device, Instant, Tick, testing::Setup};
//! # let device = Setup::default().device();
//! # let tick = Tick { at: device.born, sequence: 0 };
//!
//! // In `create`, once; what is wrong with it is an `Error::InvalidConfig`.
//! let mut temperature = Walk::new(20.0)
//!     .within(-10.0..=40.0)
//!     .step(0.3)
//!     .decimals(2)
//!     .start(device.rng().stream("temperature"))?;
//!
//! // In `tick`:
//! let at = At::new(&device, tick);
//! assert_eq!(temperature.number(&at)?, 20.0);
//! # Ok::<(), mockfleet_sdk::Error>(())
//! ```
//!
//! # What there is
//! - By chance: [`Uniform`], [`Normal`], [`Exponential`], [`Poisson`], [`Chance`], [`Walk`],
//!   [`Bucket`], [`Markov`].
//! - By the clock: [`Counter`], [`Wave`], [`Curve`], [`Profile`], [`Timestamp`].
//! - From data: `Replay` (CSV, JSON lines), [`Route`] (GeoJSON, GPX).
//! - From other fields: [`Field`], `Expression`, `Text`.
//! - Of other generators: [`Object`], [`Bulk`], and [`Faulty`] with any [`Fault`] of a
//!   sensor.
//! - [`Constant`] and [`Id`].
//!
//! The features of the crate: `files` has `Replay` and the files of routes, `ids` UUIDs and
//! ULIDs, `templates` has `Expression` and `Text`, `zones` time zones by name and
//! `strftime`; `generate` is all of them. What is left out does not make a plugin larger.
//!
//! # From a configuration
//! A [`Spec`] is the same as a setting: it is read by serde, told apart by `kind`, and
//! described by its JSON Schema. [`Spec::plan`] checks it and says all that is wrong, each
//! with its path. Plan once a cell: the [`Plan`] is shared, and [`Plan::start`] gives each
//! device its [`Generator`] of a few bytes.
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
//! Fields that depend on one another have names in a [`Scope`]. A plan says which of them
//! it [reads](Plan::reads), so that they can be made first.
//!
//! ```
//! use mockfleet_sdk::generate::{At, Field, Scope, Value};
//! # use mockfleet_sdk::{Tick, testing::Setup};
//! # let device = Setup::default().device();
//! # let tick = Tick { at: device.born, sequence: 0 };
//!
//! let scope = Scope::new().names(["temperature", "shown"]);
//! let plan = Field::new("temperature").plan(&scope)?;
//! assert_eq!(plan.reads(), [0]);
//!
//! let mut shown = plan.start(device.rng().stream("shown"));
//! let values = [Value::Number(21.5), Value::Missing];
//! let at = At::new(&device, tick).fields(&values);
//! assert_eq!(shown.next(&at)?, Value::Number(21.5));
//! # Ok::<(), mockfleet_sdk::Error>(())
//! ```
//!
//! # The files
//! `plan` has the list of kinds and the way from [`Spec`] to [`Generator`]; `kind` what they
//! have in common; `problems` what is said about wrong ones; `at` the moment and the scope;
//! `value` and `span` the words of both. A kind is in a file of its name. Where that grew,
//! what it does stands beside it: `broken` (faults), `drive` and `track` (routes),
//! `recording`, `times`, `table` and `kept` (replays), `language` (expressions), `line` (curves and
//! profiles), `zone`.

mod arrival;
mod at;
mod broken;
mod bucket;
mod chance;
mod constant;
#[cfg(feature = "files")]
mod content;
mod curve;
mod drive;
mod fault;
mod id;
#[cfg(feature = "files")]
mod kept;
mod kind;
#[cfg(feature = "templates")]
mod language;
mod line;
mod markov;
mod moment;
mod nested;
mod plan;
mod problems;
mod profile;
#[cfg(feature = "files")]
mod recording;
#[cfg(feature = "files")]
mod replay;
#[cfg(test)]
#[cfg(feature = "files")]
mod replay_tests;
mod route;
mod span;
#[cfg(feature = "files")]
mod table;
#[cfg(feature = "templates")]
mod template;
#[cfg(test)]
mod testing;
#[cfg(feature = "files")]
mod times;
mod timestamp;
mod track;
mod value;
mod walk;
mod wave;
mod zone;

pub use arrival::{Exponential, Poisson};
pub use at::{At, Scope};
pub use bucket::{Bucket, Order};
pub use chance::{Chance, Normal, Uniform};
pub use constant::{Constant, Counter, Field};
pub use curve::{Curve, Point};
pub use fault::{
    Drift, Fault, Faulty, Missing, Noise, Null, OutOfRange, SkewedClock, Spike, StuckAt, WrongType,
};
pub use id::{Id, Per, Style};
pub use line::Interpolation;
pub use markov::{Markov, State};
pub use nested::{Bulk, Object};
pub use plan::{Generator, Plan, Spec};
pub use problems::Problems;
pub use profile::{Clock, DayPoint, Profile, Week};
#[cfg(feature = "files")]
pub use replay::{Column, End, Replay, Start, TypedColumn, Unit};
pub use route::{Arrival, Route, Waypoint};
pub use span::{Origin, Shift, Span};
#[cfg(feature = "files")]
pub use table::{Rows, Type};
#[cfg(feature = "templates")]
pub use template::{Expression, Text};
pub use timestamp::{Format, Moment, Timestamp};
pub use value::Value;
pub use walk::Walk;
pub use wave::{Shape, Wave};
