//! Refuses its settings for one device of the group: what only `create` can find out.

use mockfleet_sdk::{About, Behaviour, Device, Error, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

mockfleet_sdk::export!(Picky);

/// One device.
#[derive(Debug)]
pub struct Picky {
    id: String,
}

/// Whom it refuses.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The device of the group that is refused; absent: none.
    pub refuse_index: Option<u32>,
}

impl Behaviour for Picky {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        if config.refuse_index == Some(device.index) {
            return Err(Error::invalid_config(format_args!(
                "config.refuse_index is {0}, and this is device {0} of its group",
                device.index
            )));
        }
        Ok(Self {
            id: device.id.clone(),
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        let reading = json!({ "device": self.id, "tick": tick.sequence });
        turn.json("telemetry", &reading).map(drop)
    }
}
