//! Runs one device natively, on a clock of its own, so that a behaviour is tested
//! with plain `cargo test`. Owns the clock and what the device has said; must not
//! know WebAssembly, nor send anything anywhere.
//!
//! ```
//! # use mockfleet_sdk::{About, Behaviour, Device, Error, NoConfig, Tick, Turn};
//! # struct Counter(u64);
//! # impl Behaviour for Counter {
//! #     type Config = NoConfig;
//! #     fn about() -> About { mockfleet_sdk::about!().channel("telemetry") }
//! #     fn create(_: &Device, _: NoConfig) -> Result<Self, Error> { Ok(Self(0)) }
//! #     fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
//! #         self.0 += 1;
//! #         turn.json("telemetry", &serde_json::json!({ "count": self.0 })).map(drop)
//! #     }
//! # }
//! use mockfleet_sdk::testing::Trial;
//! use serde_json::json;
//!
//! let mut device = Trial::<Counter>::new(json!({}));
//! device.ticks(3);
//! assert_eq!(device.messages().len(), 3);
//! assert_eq!(device.on("telemetry").last(), Some(&json!({ "count": 3 })));
//! ```
//!
//! A trial is stricter than the host: it panics, with a sentence, when a behaviour
//! does what its [`about`](Behaviour::about) doesn't say. In one thing it is laxer: it
//! doesn't hold the settings to their JSON Schema.

pub(crate) mod group_context;
mod setup;
mod trial;

pub use group_context::{GroupContext, data, group_context};
pub use setup::Setup;
pub use trial::{Sent, Trial};
