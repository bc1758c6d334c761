//! Runs one device natively, so that a behaviour is tested with plain `cargo test`.
//!
//! The device has a clock of its own. Nothing is sent.
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
//! A trial is stricter than the host: it panics when a behaviour uses a channel, a status
//! or an event that its [`about`](crate::Behaviour::about) does not name. It does not
//! validate the settings against their JSON Schema.

pub(crate) mod group_context;
mod setup;
mod trial;

pub use group_context::{GroupContext, data, group_context};
pub use setup::Setup;
pub use trial::{Sent, Trial};
