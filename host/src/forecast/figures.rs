//! Holds the figures of a forecast.

use std::time::Duration;

/// An hour of a fleet with all devices switched on. Numbers are means, and therefore fractions.
#[derive(Debug)]
pub(crate) struct Forecast {
    /// In the order of the fleet file.
    pub groups: Vec<GroupHour>,
    /// All groups together.
    pub hour: Hour,
    /// The run of the fleet, if it has a duration.
    pub run: Option<Run>,
}

/// An hour of one group.
#[derive(Debug)]
pub(crate) struct GroupHour {
    /// Its name.
    pub name: String,
    /// Its devices.
    pub devices: u32,
    /// The dry run of some devices.
    pub sample: Sampled,
    /// Messages.
    pub messages: f64,
    /// Bytes of their payloads.
    pub payload: f64,
    /// Bytes of their rows in `sends`, as far as they are the group's own.
    pub bytes: f64,
    /// Rows of `events`: changes of a status.
    pub events: f64,
}

/// The dry run of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// Devices.
    pub devices: u32,
    /// Virtual time of each.
    pub time: Duration,
    /// Ticks that they had.
    pub ticks: u64,
    /// Messages that they returned.
    pub messages: u64,
    /// Of them, those that were encoded.
    pub encoded: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell fell.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// The first fault, in words.
    pub fault: Option<String>,
    /// Whether its rate has stages, which the figures of an hour leave out.
    pub stages: bool,
}

/// An hour of the whole fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Hour {
    /// Messages: rows of `sends`.
    pub messages: f64,
    /// Bytes of their payloads.
    pub payload: f64,
    /// Rows of `events`.
    pub events: f64,
    /// Files of `sends`, each a PUT and a HEAD.
    pub sends_files: f64,
    /// Files of `events`.
    pub events_files: f64,
    /// Bytes of the files of `sends`.
    pub sends_bytes: f64,
    /// Bytes of the files of `events`.
    pub events_bytes: f64,
    /// The same rows as lines of JSON.
    pub json: f64,
    /// … as payload units of Kinesis.
    pub payload_units: f64,
    /// … as items of DynamoDB.
    pub items: f64,
    /// … as its write units.
    pub write_units: f64,
}

impl Hour {
    /// Rows of both tables.
    #[must_use]
    pub(crate) fn rows(&self) -> f64 {
        self.messages + self.events
    }

    /// Files of both tables.
    #[must_use]
    pub(crate) fn files(&self) -> f64 {
        self.sends_files + self.events_files
    }

    /// Bytes of both tables.
    #[must_use]
    pub(crate) fn bytes(&self) -> f64 {
        self.sends_bytes + self.events_bytes
    }
}

/// The run of a fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    /// From its first to its last tick.
    pub duration: Duration,
    /// Messages: rows of `sends`.
    pub messages: f64,
    /// Files of `sends`.
    pub files: f64,
    /// Their bytes.
    pub bytes: f64,
}
