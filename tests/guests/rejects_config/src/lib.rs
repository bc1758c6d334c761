//! Rejects valid settings in `create`, for one device of the group or for all.

use mockfleet_sdk::{About, Behaviour, Device, Error, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

mockfleet_sdk::export!(RejectsConfig);

/// One device.
#[derive(Debug)]
pub struct RejectsConfig {
    id: String,
}

/// The devices whose settings it rejects.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The device of the group that rejects its settings; absent: none.
    pub refuse_index: Option<u32>,
    /// Each device rejects its settings.
    pub refuse_all: bool,
}

impl Behaviour for RejectsConfig {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry")
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        if config.refuse_all {
            return Err(Error::invalid_config("config.refuse_all is true"));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use mockfleet_sdk::testing::{Setup, Trial};

    fn refusal(index: u32, config: serde_json::Value) -> Option<String> {
        let setup = Setup {
            index,
            config,
            ..Setup::default()
        };
        let refused = Trial::<RejectsConfig>::create(&setup).err();
        refused.map(|error| error.to_string())
    }

    #[test]
    fn config_is_rejected_for_one_device_or_all() {
        assert_eq!(refusal(0, json!({})), None);
        assert_eq!(refusal(1, json!({ "refuse_index": 2 })), None);
        assert_eq!(
            refusal(2, json!({ "refuse_index": 2 })).as_deref(),
            Some("config.refuse_index is 2, and this is device 2 of its group")
        );
        assert_eq!(
            refusal(1, json!({ "refuse_all": true })).as_deref(),
            Some("config.refuse_all is true")
        );
    }
}
