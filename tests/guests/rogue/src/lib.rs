//! Sends like other devices, and misbehaves once in a way that the host must survive.

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
    /// Whether this device misbehaves.
    chosen: bool,
}

/// The misbehaviour, its device and its tick.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The misbehaviour.
    pub does: Misbehaviour,
    /// The tick of the misbehaviour, from zero.
    pub at: u64,
    /// The device of the group; absent: each.
    pub index: Option<u32>,
    /// Iterations of a loop in `create`, in thousands.
    pub create_effort: u64,
    /// Iterations of a loop in each tick, in thousands, which simulate a heavy behaviour.
    pub effort: u64,
}

/// The kinds of misbehaviour.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Misbehaviour {
    /// Behaves.
    #[default]
    Nothing,
    /// Loops for ever.
    Spin,
    /// Takes memory without end.
    Eat,
    /// Panics.
    Panic,
    /// Runs into the instruction `unreachable`, without a message.
    Trap,
    /// Returns 10,000 messages.
    Flood,
    /// Returns a message of 100 MiB.
    Giant,
    /// Returns an error with a text of 1 MiB.
    Complain,
    /// Returns a status of 12 MiB.
    Swell,
    /// Returns a message on a channel whose name has 20 MiB.
    Rename,
    /// Returns a message with 100,000 empty properties.
    Adorn,
    /// Prints without end.
    Print,
    /// Returns the error `failed`.
    Fail,
    /// Returns the error `retired`.
    Retire,
    /// Returns a message on a channel that nothing names.
    Stray,
    /// Reports a status that its description does not list.
    Status,
    /// Returns nothing, in this tick and in all others.
    Mute,
    /// Ends its process with code 3; the host sees 1, since WASI 0.2 knows success and
    /// failure only.
    Exit,
}

impl Behaviour for Rogue {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry").status("well")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        for turn in 0..config.create_effort * 1_000 {
            black_box(turn);
        }
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
        if self.chosen && matches!(self.config.does, Misbehaviour::Mute) {
            return Ok(());
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
            Misbehaviour::Nothing | Misbehaviour::Mute => {}
            Misbehaviour::Spin => loop {
                black_box(());
            },
            Misbehaviour::Eat => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Misbehaviour::Panic => panic!("device {} was told to panic", self.id),
            Misbehaviour::Trap => trap(),
            Misbehaviour::Flood => {
                for count in 0..10_000 {
                    turn.json("telemetry", &json!({ "count": count }))?;
                }
            }
            Misbehaviour::Giant => {
                turn.bytes("telemetry", vec![b'x'; 100 << 20]);
            }
            Misbehaviour::Complain => return Err(Error::failed("x".repeat(1 << 20))),
            Misbehaviour::Swell => {
                turn.status("x".repeat(12 << 20));
            }
            Misbehaviour::Rename => {
                turn.bytes("x".repeat(20 << 20), "1");
            }
            Misbehaviour::Adorn => {
                let message = turn.bytes("telemetry", "1");
                for _ in 0..100_000 {
                    message.property("", "");
                }
            }
            Misbehaviour::Print => loop {
                println!("device {} prints without end", self.id);
            },
            Misbehaviour::Fail => return Err(Error::failed("told to fail")),
            Misbehaviour::Retire => return Err(Error::retired("told to retire")),
            Misbehaviour::Stray => turn.json("elsewhere", &json!({})).map(drop)?,
            Misbehaviour::Status => {
                turn.status("weird");
            }
            Misbehaviour::Exit => std::process::exit(3),
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
