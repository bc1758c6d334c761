//! Sends like a good device, and does one thing wrong when it is told to: what the host
//! must survive.

use std::hint::black_box;

use mockfleet_sdk::{About, Behaviour, Device, Error, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

mockfleet_sdk::export!(Rogue);

/// One device.
#[derive(Debug)]
pub struct Rogue {
    id: String,
    config: Config,
    /// Whether it is this device that does wrong.
    chosen: bool,
}

/// What it does wrong, and when.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What it does.
    pub does: Deed,
    /// At which tick, counted from zero.
    pub at: u64,
    /// Which device of the group; absent: each.
    pub index: Option<u32>,
    /// Turns of a loop that each tick takes, in thousands: what a heavy behaviour costs.
    pub effort: u64,
}

/// What it can do wrong.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Behaves.
    #[default]
    Nothing,
    /// Loops for ever.
    Spin,
    /// Takes memory without end.
    Eat,
    /// Panics.
    Panic,
    /// Runs into the instruction `unreachable`, without a word.
    Trap,
    /// Returns 10,000 messages.
    Flood,
    /// Returns a message of 100 MiB.
    Giant,
    /// Prints without end.
    Print,
    /// Returns the error `failed`.
    Fail,
    /// Returns the error `retired`.
    Retire,
    /// Ends its process with code 3; the host sees 1, since WASI 0.2 knows success and
    /// failure only.
    Exit,
}

impl Behaviour for Rogue {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        Ok(Self {
            id: device.id.clone(),
            chosen: config.index.is_none_or(|index| index == device.index),
            config,
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        if self.chosen && tick.sequence == self.config.at {
            self.misbehave(turn)?;
        }
        for turn in 0..self.config.effort * 1_000 {
            black_box(turn);
        }
        let reading = json!({ "device": self.id, "tick": tick.sequence });
        turn.json("telemetry", &reading).map(drop)
    }
}

impl Rogue {
    fn misbehave(&self, turn: &mut Turn) -> Result<(), Error> {
        match self.config.does {
            Deed::Nothing => {}
            Deed::Spin => loop {
                black_box(());
            },
            Deed::Eat => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Deed::Panic => panic!("device {} was told to panic", self.id),
            Deed::Trap => trap(),
            Deed::Flood => {
                for count in 0..10_000 {
                    turn.json("telemetry", &json!({ "count": count }))?;
                }
            }
            Deed::Giant => {
                turn.bytes("telemetry", vec![b'x'; 100 << 20]);
            }
            Deed::Print => loop {
                println!("device {} prints without end", self.id);
            },
            Deed::Fail => return Err(Error::failed("told to fail")),
            Deed::Retire => return Err(Error::retired("told to retire")),
            Deed::Exit => std::process::exit(3),
        }
        Ok(())
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}
