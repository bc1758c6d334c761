//! Defines the settings of a meter: names, units, ranges, defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a meter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The base load of the household, drawn at night, in W. Each household is up to 40 %
    /// smaller or larger.
    #[schemars(range(min = 0.0, max = 1e7))]
    pub base: f64,
    /// The load that the evening peak adds, in W. The morning adds half of it.
    #[schemars(range(min = 0.0, max = 1e7))]
    pub peak: f64,
    /// The standard deviation of a sample from the curve, as a share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub noise: f64,
    /// Samples in a message, evenly spaced since the message before.
    #[schemars(range(min = 1, max = 10_000))]
    pub samples: u32,
    /// The counter when the meter is switched on, in kWh.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub counter: f64,
    /// The time of day when the meter is switched on, in hours.
    #[schemars(range(min = 0.0, max = 24.0))]
    pub hour: f64,
    /// The duration of a day, in seconds: 86,400, or less to see a whole day soon. The
    /// counter uses the time of that day.
    #[schemars(range(min = 1.0, max = 86_400.0))]
    pub day_seconds: f64,
    /// Adds `at`, the time of the message, and takes the time of day from the run's clock
    /// (UTC) instead of `hour`. The payloads of two runs then differ.
    pub timestamp: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: 150.0,
            peak: 2_500.0,
            noise: 0.1,
            samples: 10,
            counter: 0.0,
            hour: 7.0,
            day_seconds: 86_400.0,
            timestamp: false,
        }
    }
}
