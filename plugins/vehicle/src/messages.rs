//! Defines the JSON of a vehicle's channels.

use mockfleet_sdk::{Error, Instant, round};
use serde::{Deserialize, Serialize};

use crate::Vehicle;

/// Sent on `telemetry`.
#[derive(Debug, Serialize)]
pub(crate) struct Fix<'a> {
    device: &'a str,
    uptime_ms: u64,
    status: &'static str,
    lat: f64,
    lon: f64,
    speed_kmh: f64,
    heading: f64,
    odometer_km: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Instant>,
}

impl<'a> Fix<'a> {
    /// `speed` in metres a second.
    pub(crate) fn new(vehicle: &'a Vehicle, speed: f64) -> Self {
        let position = vehicle.position.coordinates();
        Self {
            device: &vehicle.id,
            uptime_ms: vehicle.now.millis_since(vehicle.born),
            status: vehicle.status(),
            // A ten-millionth of a degree is a centimetre.
            lat: round(position.lat, 7),
            lon: round(position.lon, 7),
            speed_kmh: round(speed * 3.6, 1),
            heading: round(vehicle.position.heading(), 1),
            odometer_km: round(vehicle.odometer / 1_000.0, 3),
            at: vehicle.config.timestamp.then_some(vehicle.now),
        }
    }
}

/// Received on any channel, for example `{"do": "stop"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Command {
    pub(crate) r#do: Do,
}

/// The commands of a vehicle.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Do {
    /// Parks at once, until the command `go`.
    Stop,
    /// Drives on.
    Go,
    /// Reports the position.
    Locate,
}

/// Sent on `reply`: the success of the command, and the fix after it.
#[derive(Debug, Serialize)]
pub(crate) struct Reply<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#do: Option<Do>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    fix: Option<Fix<'a>>,
}

impl<'a> Reply<'a> {
    pub(crate) fn done(told: Do) -> Self {
        Self {
            ok: true,
            r#do: Some(told),
            error: None,
            fix: None,
        }
    }

    pub(crate) fn refused(why: &Error) -> Self {
        Self {
            ok: false,
            r#do: None,
            error: Some(why.to_string()),
            fix: None,
        }
    }

    pub(crate) fn with(self, fix: Fix<'a>) -> Self {
        Self {
            fix: Some(fix),
            ..self
        }
    }
}
