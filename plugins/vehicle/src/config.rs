//! Defines the settings of a vehicle: names, units, ranges, defaults.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a vehicle.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The waypoints of the route, which leads from the last one back to the first. 100 m
    /// long at least.
    #[schemars(length(min = 2, max = 10_000))]
    pub route: Vec<Waypoint>,
    /// The mean speed, in km/h. It varies by about a tenth.
    #[schemars(range(min = 1.0, max = 1000.0))]
    pub speed: f64,
    /// The probability that it parks at a waypoint.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub park_chance: f64,
    /// The mean time that it parks, in seconds. Each stay is up to half of it shorter or
    /// longer.
    #[schemars(range(min = 0.0, max = 1e7))]
    pub park_seconds: f64,
    /// The interval of messages while it is parked, in seconds. While it drives, the fleet
    /// file's schedule applies.
    #[schemars(range(min = 0.1, max = 1e6))]
    pub parked_every: f64,
    /// Adds `at`, the time of the fix. The payloads of two runs then differ.
    pub timestamp: bool,
}

/// A place on the map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// Degrees north of the equator (WGS 84).
    #[schemars(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    /// Degrees east of Greenwich (WGS 84).
    #[schemars(range(min = -180.0, max = 180.0))]
    pub lon: f64,
}

/// Once around the Großer Tiergarten in Berlin, about 8 km.
const TIERGARTEN: [(f64, f64); 8] = [
    (52.5163, 13.3777),
    (52.5096, 13.3759),
    (52.5069, 13.3618),
    (52.5079, 13.3436),
    (52.5128, 13.3284),
    (52.5191, 13.3437),
    (52.5185, 13.3575),
    (52.5200, 13.3694),
];

impl Default for Config {
    fn default() -> Self {
        Self {
            route: TIERGARTEN.map(|(lat, lon)| Waypoint { lat, lon }).into(),
            speed: 50.0,
            park_chance: 0.3,
            park_seconds: 300.0,
            parked_every: 60.0,
            timestamp: false,
        }
    }
}
