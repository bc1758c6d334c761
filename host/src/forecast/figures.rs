//! Holds the figures of a forecast.

use std::time::Duration;

/// An hour of a fleet with all devices switched on. Numbers are means, and therefore fractions.
#[derive(Debug)]
pub(crate) struct Forecast {
    /// Figures of each group, in the order of the fleet file.
    pub groups: Vec<GroupHour>,
    /// Figures of all groups together.
    pub hour: Hour,
    /// The run of the fleet, if it has a duration.
    pub run: Option<Run>,
}

/// An hour of one group.
#[derive(Debug)]
pub(crate) struct GroupHour {
    /// Name of the group.
    pub name: String,
    /// Devices of the group.
    pub devices: u32,
    /// The dry run of some devices.
    pub sample: Sampled,
    /// Messages.
    pub messages: f64,
    /// Bytes of their payloads.
    pub payload: f64,
    /// Bytes of the group's rows in `sends`, without the parts that all groups share.
    pub bytes: f64,
    /// Rows of `events`: changes of a status.
    pub events: f64,
}

/// The dry run of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sampled {
    /// Devices in the dry run.
    pub devices: u32,
    /// Virtual time of each device.
    pub time: Duration,
    /// Ticks of the devices.
    pub ticks: u64,
    /// Messages that the devices returned.
    pub messages: u64,
    /// Encoded messages among them.
    pub encoded: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell crashed.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// First error, in words.
    pub fault: Option<String>,
    /// Whether the group's rate has stages, which the figures of an hour omit.
    pub stages: bool,
    /// The time after which the cron patterns repeat, if the dry run was shorter.
    pub uncovered: Option<Duration>,
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
    /// Bytes of the same rows as lines of JSON.
    pub json: f64,
    /// Payload units of Kinesis for the same rows.
    pub payload_units: f64,
    /// Items of DynamoDB for the same rows, in bytes.
    pub items: f64,
    /// Write units of DynamoDB for the same rows.
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
    /// Time from the first to the last tick.
    pub duration: Duration,
    /// Messages: rows of `sends`.
    pub messages: f64,
    /// Files of `sends`.
    pub files: f64,
    /// Bytes of the files.
    pub bytes: f64,
}
