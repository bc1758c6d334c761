//! Write virtual IoT devices for mockfleet in Rust: for authors of plugins.
//!
//! A device is a value with a [`Behaviour`]: it is created from its settings, and called on
//! schedule and for events. One line makes it a plugin:
//!
//! ```
//! use mockfleet_sdk::{About, Behaviour, Device, Error, Rng, Tick, Turn};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// A tank that fills and is emptied when it is full.
//! struct Tank { rng: Rng, config: Config, litres: f64 }
//!
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     /// The volume of the tank, in litres.
//!     capacity: f64,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self { Self { capacity: 500.0 } }
//! }
//!
//! impl Behaviour for Tank {
//!     type Config = Config;
//!
//!     fn about() -> About {
//!         mockfleet_sdk::about!().channel("level").status("filling").status("full")
//!     }
//!
//!     fn create(device: &Device, config: Config) -> Result<Self, Error> {
//!         Ok(Self { rng: device.rng(), config, litres: 0.0 })
//!     }
//!
//!     fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
//!         self.litres += self.rng.range(5.0, 15.0);
//!         let full = self.litres >= self.config.capacity;
//!         turn.status(if full { "full" } else { "filling" });
//!         turn.json("level", &serde_json::json!({ "litres": self.litres }))?;
//!         if full { self.litres = 0.0; }
//!         Ok(())
//!     }
//! }
//!
//! mockfleet_sdk::export!(Tank);
//!
//! // A native test runs the device on a clock of its own:
//! use mockfleet_sdk::testing::Trial;
//! let mut tank = Trial::<Tank>::new(serde_json::json!({ "capacity": 100.0 }));
//! tank.ticks(30);
//! assert_eq!(tank.messages().len(), 30);
//! assert!(tank.statuses().iter().any(|(_, status)| status == "full"));
//! ```
//!
//! With `crate-type = ["cdylib"]` in `Cargo.toml`, `cargo build --release --target
//! wasm32-wasip2` builds the plugin.
//!
//! # Guarantees for a behaviour
//! - **The same seed gives the same messages**, as long as randomness comes from
//!   [`Device::rng`] and time from the calls. The clocks of the standard library show the
//!   run's time, which does not change during a call.
//! - **Calls of one device do not overlap**, and each has a deadline (default: 100 ms). A
//!   panic, or a call past its deadline, ends the cell: its devices start again. The host
//!   prints the message of the panic.
//! - **Printed lines** become log lines with the device's id. There are no files, no
//!   network and no environment variables.
//! - **A call that returns an error sends nothing** of its turn.
//!
//! # Modules
//! The crate root has the trait and its types. [`data`] and [`group`] look up the data files
//! and the place of a device in the fleet. [`generate`] has values that change as a
//! sensor's do. [`testing`] runs a device natively.

mod contract;
mod device_slot;
pub mod generate;
mod lookup;
mod macros;
#[doc(hidden)]
pub mod private;
mod random;
mod rounding;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wit_export;

pub use contract::about::About;
pub use contract::behaviour::{Behaviour, Device, NoConfig, Start, Tick, read_config};
pub use contract::error::Error;
pub use contract::event::{Event, Outcome, Receipt};
pub use contract::problem::Problem;
pub use contract::turn::{Link, Message, Turn};
pub use lookup::{data, group};
pub use random::Rng;
pub use rounding::round;
pub use time::Instant;
