//! What the author of a device implements, and what it is handed. Owns the trait;
//! must not know WebAssembly.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::contract::about::About;
use crate::contract::error::Error;
use crate::contract::event::Event;
use crate::contract::turn::Turn;
use crate::random::Rng;
use crate::time::Instant;

/// What a device does. One value is one device; all of its state lives in it.
///
/// The same seed must give the same life: take randomness from [`Device::rng`], time
/// from the calls, and keep nothing in globals, since thousands of devices may share
/// one instance of the plugin.
pub trait Behaviour: Sized + 'static {
    /// The settings, as they stand under `config` in the fleet file.
    ///
    /// Derive `Deserialize` and `JsonSchema`, with `#[serde(default,
    /// deny_unknown_fields)]`, so that settings may be left out and misspelt ones are
    /// refused. With `Serialize` and `Default` the schema shows the defaults too. The
    /// host holds the settings to the schema before any device is created: what
    /// `#[schemars(range(min = 0, max = 100))]` says need not be checked again. A device
    /// without settings takes [`NoConfig`].
    type Config: DeserializeOwned + JsonSchema;

    /// What this behaviour is: start from [`about!`](crate::about!).
    fn about() -> About;

    /// Switches a device on.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] when the settings are of the right shape and still
    /// cannot work; the run does not start, and the fleet's owner reads the sentence.
    fn create(device: &Device, config: Self::Config) -> Result<Self, Error>;

    /// Switches a device on from the text of its settings, a JSON object. Only a
    /// behaviour whose devices share what they make of the same settings implements it:
    /// it keeps that by the text, and reads the text once a cell and not once a device.
    ///
    /// # Errors
    /// As [`Behaviour::create`], or that the settings are not of the right shape.
    fn create_from(device: &Device, config: &str) -> Result<Self, Error> {
        Self::create(device, crate::settings::read::<Self::Config>(config)?)
    }

    /// Called on schedule.
    ///
    /// # Errors
    /// [`Error::Failed`] when this tick failed, [`Error::Retired`] when the device is
    /// done; what the turn holds is not sent then.
    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error>;

    /// Called for the events that [`Behaviour::about`] names.
    ///
    /// # Errors
    /// As [`Behaviour::tick`].
    fn handle(&mut self, at: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        let _ = (at, event, turn);
        Ok(())
    }
}

/// Who a device is. Constant for its whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Unique in the fleet, for example `thermometer-00042`.
    pub id: String,
    /// The group of the fleet file that the device belongs to.
    pub group: String,
    /// Its position in the group, counted from zero.
    pub index: u32,
    /// The seed for all of its randomness: same seed, same life.
    pub seed: u64,
    /// When the device was switched on.
    pub born: Instant,
}

impl Device {
    /// The device's randomness, from its beginning. Keep it in the behaviour: each
    /// call of this gives the same numbers again.
    #[must_use]
    pub const fn rng(&self) -> Rng {
        Rng::new(self.seed)
    }
}

/// One scheduled call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tick {
    /// When this tick was due. Late calls still carry the time they were due.
    pub at: Instant,
    /// Ticks that this device has had before this one.
    pub sequence: u64,
}

impl Tick {
    /// A tick that was due at `at`, after `sequence` others.
    #[must_use]
    pub const fn new(at: Instant, sequence: u64) -> Self {
        Self { at, sequence }
    }
}

/// The settings of a device that has none: any key is refused.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}
