//! Defines the trait that the author of a device implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::contract::about::About;
use crate::contract::error::Error;
use crate::contract::event::Event;
use crate::contract::turn::Turn;
use crate::random::Rng;
use crate::time::Instant;

/// The behaviour of a device. One value is one device and holds all of its state.
///
/// The same seed must give the same messages: take randomness from [`Device::rng`] and time
/// from the calls. Keep nothing in globals, since thousands of devices may share one
/// instance of the plugin.
pub trait Behaviour: Sized + 'static {
    /// The settings, written under `config` in the fleet file.
    ///
    /// Derive `Deserialize` and `JsonSchema`, with `#[serde(default,
    /// deny_unknown_fields)]`, so that settings may be left out and misspelt ones are
    /// rejected. With `Serialize` and `Default` the schema shows the defaults too. The host
    /// validates the settings against the schema before it creates a device: a range such
    /// as `#[schemars(range(min = 0, max = 100))]` need not be checked again. A device
    /// without settings uses [`NoConfig`].
    type Config: DeserializeOwned + JsonSchema;

    /// Describes the behaviour. Start from [`about!`](crate::about!).
    fn about() -> About;

    /// Switches a device on.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] when the settings are of the right shape and still cannot
    /// work; the run does not start, and the host shows the sentence.
    fn create(device: &Device, config: Self::Config) -> Result<Self, Error>;

    /// Switches a device on from the text of its settings, a JSON object. Only a behaviour
    /// that caches a result of its settings for all devices of a cell implements it. The
    /// text is the key of the cache, and is parsed once a cell instead of once a device.
    ///
    /// # Errors
    /// As [`Behaviour::create`], or that the settings are not of the right shape.
    fn create_from(device: &Device, config: &str) -> Result<Self, Error> {
        Self::create(
            device,
            crate::contract::settings::read::<Self::Config>(config)?,
        )
    }

    /// Starts a device that is switched on, before its first tick and event, if
    /// [`Behaviour::about`] names it: [`About::start`]. After a restart of its cell, the
    /// device is created and started again.
    ///
    /// A [`Turn::next_tick`] here comes in place of the first tick on schedule, and the tick
    /// after it follows from there. Without one, the first tick is on schedule.
    ///
    /// # Errors
    /// As [`Behaviour::tick`].
    fn start(&mut self, start: Start, turn: &mut Turn) -> Result<(), Error> {
        let _ = (start, turn);
        Ok(())
    }

    /// Runs a scheduled call.
    ///
    /// # Errors
    /// [`Error::Failed`] when this tick failed, [`Error::Retired`] when the device is done.
    /// The messages of the turn are not sent then.
    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error>;

    /// Handles the events that [`Behaviour::about`] names.
    ///
    /// # Errors
    /// As [`Behaviour::tick`].
    fn handle(&mut self, at: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        let _ = (at, event, turn);
        Ok(())
    }
}

/// The identity of a device. Constant for its whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Unique in the fleet, for example `thermometer-00042`.
    pub id: String,
    /// The group of the fleet file that the device belongs to.
    pub group: String,
    /// Its position in the group, counted from zero.
    pub index: u32,
    /// The seed of all its random numbers: the same seed gives the same messages.
    pub seed: u64,
    /// The time at which the device was switched on.
    pub born: Instant,
}

impl Device {
    /// The device's random number generator at its start. Keep it in the behaviour: each
    /// call of this method starts the same numbers again.
    #[must_use]
    pub const fn rng(&self) -> Rng {
        Rng::new(self.seed)
    }
}

/// The start of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Start {
    /// The time at which the device is switched on, or its cell has restarted.
    pub at: Instant,
    /// The time of its first tick on schedule, which may be `at`; `None` if the schedule has
    /// none.
    pub first_tick: Option<Instant>,
}

impl Start {
    /// A start at `at`, with the first tick on schedule at `first_tick`.
    #[must_use]
    pub const fn new(at: Instant, first_tick: Option<Instant>) -> Self {
        Self { at, first_tick }
    }
}

/// One scheduled call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tick {
    /// The time at which this tick was due. A late call carries its due time, too.
    pub at: Instant,
    /// The number of ticks of this device before this one.
    pub sequence: u64,
}

impl Tick {
    /// A tick that was due at `at`, after `sequence` others.
    #[must_use]
    pub const fn new(at: Instant, sequence: u64) -> Self {
        Self { at, sequence }
    }
}

/// The settings of a device that has none: any key is rejected.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Parses the settings of a behaviour from their text, for its
/// [`create_from`](crate::Behaviour::create_from).
///
/// # Errors
/// [`Error::InvalidConfig`] with the path of a setting of the wrong shape.
pub fn read_config<B: Behaviour>(config: &str) -> Result<B::Config, Error> {
    crate::contract::settings::read::<B::Config>(config)
}
