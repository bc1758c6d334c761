//! Defines the JSON of a vehicle's channels.

use mockfleet_sdk::{Error, Instant};
use serde::{Deserialize, Serialize};

/// Sent on `telemetry`.
#[derive(Debug, Serialize)]
pub(crate) struct Fix<'a> {
    pub(crate) device: &'a str,
    pub(crate) uptime_ms: u64,
    pub(crate) status: &'static str,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) speed_kmh: f64,
    pub(crate) heading: f64,
    pub(crate) odometer_km: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Instant>,
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
