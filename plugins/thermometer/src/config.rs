//! The thermometer's settings: names, units, ranges, defaults. Must not know what they
//! do.

use mockfleet_sdk::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a thermometer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The temperature that the room comes back to, in °C.
    #[schemars(range(min = -273.15, max = 1000.0))]
    pub base: f64,
    /// How far the temperature strays from `base`, in K: its standard deviation.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub drift: f64,
    /// How long it takes to come back from a stray, in seconds.
    #[schemars(range(min = 0.001, max = 1e9))]
    pub settle: f64,
    /// The relative humidity that the room comes back to, in %.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub humidity: f64,
    /// How long a full battery lasts, in hours. Each device's own lasts up to 10 % more
    /// or less.
    #[schemars(range(min = 0.0001, max = 1e6))]
    pub battery_hours: f64,
    /// How full the battery is when the device is switched on, in %.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub battery: f64,
    /// Pads each payload to exactly this many bytes. Absent: no padding.
    #[schemars(range(max = 104_857_600))]
    pub size: Option<usize>,
    /// Adds `at`, the time of the reading. The payloads of two runs then differ.
    pub timestamp: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: 21.0,
            drift: 0.5,
            settle: 300.0,
            humidity: 45.0,
            battery_hours: 8_760.0,
            battery: 100.0,
            size: None,
            timestamp: false,
        }
    }
}

impl Config {
    /// Refuses a `size` that a reading, `longest` bytes at most, may not fit into. What is
    /// out of range the host has refused already, by the schema.
    pub(crate) fn check(&self, longest: usize) -> Result<(), Error> {
        match self.size {
            Some(size) if size < longest => Err(Error::invalid_config(format_args!(
                "config.size is {size}, and a reading of this device takes up to {longest} bytes; give {longest} or more"
            ))),
            _ => Ok(()),
        }
    }
}
