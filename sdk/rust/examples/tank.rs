//! Runs a tank natively: it fills, reports its level, and is emptied when it is full.
//!
//! cargo run -p mockfleet-sdk --example tank

use mockfleet_sdk::testing::Trial;
use mockfleet_sdk::{About, Behaviour, Device, Error, Rng, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A tank that fills and is emptied when it is full.
struct Tank {
    rng: Rng,
    config: Config,
    litres: f64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// The volume of the tank, in litres.
    capacity: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { capacity: 500.0 }
    }
}

impl Behaviour for Tank {
    type Config = Config;

    fn about() -> About {
        About::new("tank", "0.1.0")
            .channel("level")
            .status("filling")
            .status("full")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        if config.capacity <= 0.0 {
            return Err(Error::invalid_config(
                "config.capacity is not above zero; give the volume in litres",
            ));
        }
        Ok(Self {
            rng: device.rng(),
            config,
            litres: 0.0,
        })
    }

    fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.litres += self.rng.range(5.0, 15.0);
        let full = self.litres >= self.config.capacity;
        turn.status(if full { "full" } else { "filling" });
        turn.json("level", &json!({ "litres": self.litres }))?;
        if full {
            self.litres = 0.0;
        }
        Ok(())
    }
}

// One line makes a plugin of it when the crate is compiled for WebAssembly.
mockfleet_sdk::export!(Tank);

pub(crate) fn main() {
    let mut tank = Trial::<Tank>::new(json!({ "capacity": 100.0 }));
    tank.ticks(30);
    for sent in tank.messages() {
        println!(
            "{} {}",
            sent.at,
            String::from_utf8_lossy(&sent.message.payload)
        );
    }
    let emptied = tank
        .statuses()
        .iter()
        .filter(|(_, status)| status == "full");
    assert_eq!(emptied.count(), 2, "30 ticks of 10 litres fill 100 litres");
}
