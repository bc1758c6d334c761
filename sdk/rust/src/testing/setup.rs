//! Describes the device that a test creates.

use std::time::Duration;

use serde_json::Value;

use crate::contract::behaviour::Device;
use crate::time::Instant;

/// Who the device is, and how often it ticks.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The device's id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Its position in the group.
    pub index: u32,
    /// The seed for all of its randomness.
    pub seed: u64,
    /// Its settings: a JSON object.
    pub config: Value,
    /// When it is switched on; its first tick is due then.
    pub born: Instant,
    /// From tick to tick, when the device doesn't say otherwise.
    pub every: Duration,
}

impl Setup {
    /// The device itself, to create a behaviour by hand.
    #[must_use]
    pub fn device(&self) -> Device {
        Device {
            id: self.id.clone(),
            group: self.group.clone(),
            index: self.index,
            seed: self.seed,
            born: self.born,
        }
    }
}

impl Default for Setup {
    /// `device-00000` of group `device`, seed 1, no settings, switched on at
    /// 2026-01-01T00:00:00Z, every second.
    fn default() -> Self {
        Self {
            id: "device-00000".into(),
            group: "device".into(),
            index: 0,
            seed: 1,
            config: Value::Object(serde_json::Map::new()),
            born: Instant::from_micros(1_767_225_600_000_000),
            every: Duration::from_secs(1),
        }
    }
}
