//! Describes the device that a test creates.

use std::time::Duration;

use serde_json::Value;

use crate::contract::behaviour::Device;
use crate::time::Instant;

/// The identity, the settings and the interval of a device.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The device's id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Its position in the group, from zero.
    pub index: u32,
    /// The seed of all its random numbers.
    pub seed: u64,
    /// Its settings: a JSON object.
    pub config: Value,
    /// The time at which it is switched on.
    pub born: Instant,
    /// The time from then to its first tick on schedule.
    pub phase: Duration,
    /// The interval of the ticks that the device does not schedule itself.
    pub every: Duration,
}

impl Setup {
    /// The device, to create a behaviour by hand.
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
    /// `device-00000` of the group `device`, with seed 1 and no settings, switched on at
    /// 2026-01-01T00:00:00Z, with a tick every second from then on.
    fn default() -> Self {
        Self {
            id: "device-00000".into(),
            group: "device".into(),
            index: 0,
            seed: 1,
            config: Value::Object(serde_json::Map::new()),
            born: Instant::from_micros(1_767_225_600_000_000),
            phase: Duration::ZERO,
            every: Duration::from_secs(1),
        }
    }
}
