//! Requests a call before its first tick on schedule, and reports all calls.

use std::time::Duration;

use mockfleet_sdk::{About, Behaviour, Device, Error, Instant, Start, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

mockfleet_sdk::export!(StartsEarly);

/// The calls that a device requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seconds from the start to the first call; absent: the first tick on schedule.
    early: Option<u64>,
    /// Whether the second call is at the first tick on schedule.
    keeps_schedule: bool,
    /// Retires in its start.
    retires: bool,
    /// Fails in its start.
    fails: bool,
    /// The device of the group that panics in its start.
    panics: Option<u32>,
    /// Seconds from its birth after which a start no longer panics.
    recovers_after: u64,
}

/// One device.
#[derive(Debug)]
pub struct StartsEarly {
    config: Config,
    index: u32,
    born: Instant,
    first_tick: Option<Instant>,
}

impl Behaviour for StartsEarly {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry").start()
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        Ok(Self {
            config,
            index: device.index,
            born: device.born,
            first_tick: None,
        })
    }

    fn start(&mut self, start: Start, turn: &mut Turn) -> Result<(), Error> {
        let recovered = self.born + Duration::from_secs(self.config.recovers_after);
        let panics = self.config.panics == Some(self.index);
        assert!(!panics || start.at > recovered, "no start");
        if self.config.fails {
            return Err(Error::failed("no start"));
        }
        if self.config.retires {
            return Err(Error::retired("no start"));
        }
        self.first_tick = start.first_tick;
        if let Some(early) = self.config.early {
            turn.next_tick(Duration::from_secs(early));
        }
        let report = json!({ "start": start.at, "first_tick": start.first_tick });
        turn.json("telemetry", &report).map(drop)
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        if self.config.keeps_schedule
            && let Some(first) = self.first_tick.filter(|first| *first > tick.at)
        {
            turn.next_tick(first.since(tick.at));
        }
        let report = json!({ "tick": tick.sequence, "at": tick.at });
        turn.json("telemetry", &report).map(drop)
    }
}
