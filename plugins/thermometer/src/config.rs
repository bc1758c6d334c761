//! Defines the settings of a thermometer: names, units, ranges, defaults.

use mockfleet_sdk::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a thermometer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The mean temperature of the room, in °C.
    #[schemars(range(min = -273.15, max = 1000.0))]
    pub base: f64,
    /// The standard deviation of the temperature from `base`, in K.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub drift: f64,
    /// The time constant of the return to the means, in seconds.
    #[schemars(range(min = 0.001, max = 1e9))]
    pub settle: f64,
    /// The mean relative humidity of the room, in %.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub humidity: f64,
    /// The life of a full battery, in hours. That of each device is up to 10 % longer or
    /// shorter.
    #[schemars(range(min = 0.0001, max = 1e6))]
    pub battery_hours: f64,
    /// The charge of the battery when the device is switched on, in %.
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
    /// Rejects a `size` below `longest`, the bytes of the longest reading. The host has
    /// rejected settings out of range by the schema.
    pub(crate) fn check(&self, longest: usize) -> Result<(), Error> {
        match self.size {
            Some(size) if size < longest => Err(Error::invalid_config(format_args!(
                "config.size is {size}, and a reading of this device takes up to {longest} bytes; give {longest} or more"
            ))),
            _ => Ok(()),
        }
    }
}
