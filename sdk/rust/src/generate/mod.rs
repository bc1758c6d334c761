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
//! # From a configuration
//! A [`Spec`] is the same as a setting: it is read by serde, told apart by `kind`, and
//! described by its JSON Schema. [`Spec::plan`] checks it and says all that is wrong, each
//! with its path; the [`Plan`] is shared by all devices of a cell, and
//! [`Plan::start`] gives each its [`Generator`].
//!
//! ```
//! use mockfleet_sdk::generate::{Scope, Spec};
//!
//! let spec: Spec = serde_json::from_str(r#"{ "kind": "walk", "min": 5, "max": 2, "pull": 3 }"#)?;
//! let problems = spec.plan(&Scope::new()).unwrap_err().within("fields.temperature");
//! assert_eq!(problems.to_string(), "\
//! fields.temperature.pull: 3 is no probability; it lies between 0 and 1
//! fields.temperature.min: 5 lies above max, 2; the lower one is min");
//! # Ok::<(), serde_json::Error>(())
//! ```

mod at;
mod chance;
mod constant;
mod kind;
mod moment;
mod plan;
mod problems;
mod span;
#[cfg(test)]
mod testing;
mod value;
mod walk;

pub use at::{At, Scope};
pub use chance::{Chance, Exponential, Normal, Poisson, Uniform};
pub use constant::{Constant, Counter, Field};
pub use plan::{Generator, Plan, Spec};
pub use problems::Problems;
pub use span::{Origin, Shift, Span};
pub use value::Value;
pub use walk::Walk;
