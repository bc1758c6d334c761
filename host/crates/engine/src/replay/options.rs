//! Holds the options of a replay.

use glob::Pattern;
use mockfleet_sendlog::TimeUnit;

use crate::replay::mapping::Mapping;

/// Speed at which a recording is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// Times faster than it was recorded.
    Times(f64),
    /// As fast as outboxes empty.
    Max,
}

/// The use of the topics and paths of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordedTopics {
    /// Messages are published to the recorded topics.
    #[default]
    Mqtt,
    /// Requests are sent to the recorded paths.
    Http,
    /// Messages go to the topics or paths of the target's channels.
    Unused,
}

/// The rows of a table that are sent, and the number of workers that send them.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecordingOptions {
    /// The column of each role.
    pub mapping: Mapping,
    /// Patterns of device ids. Rows of all devices are sent if empty.
    pub devices: Vec<Pattern>,
    /// Names of channels. Rows of all channels are sent if empty.
    pub channels: Vec<String>,
    /// Names of outcomes. Rows of all outcomes but `dropped` are sent if empty.
    pub outcomes: Vec<String>,
    /// Time of the first row that is sent, in microseconds since 1970.
    pub from: Option<i64>,
    /// Time before which rows are sent, in microseconds since 1970.
    pub before: Option<i64>,
    /// The unit of times that are numbers; by the size of each number if it is absent.
    pub time_unit: Option<TimeUnit>,
    /// Whether rows may be out of the order of time.
    pub sort: bool,
    /// The use of recorded topics and paths.
    pub topics: RecordedTopics,
    /// Number of threads that will send; 1 by default.
    pub workers: u32,
}

impl RecordingOptions {
    /// Selects all rows but those of dropped messages, for one thread.
    #[must_use]
    pub fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            devices: Vec::new(),
            channels: Vec::new(),
            outcomes: Vec::new(),
            from: None,
            before: None,
            time_unit: None,
            sort: false,
            topics: RecordedTopics::default(),
            workers: 1,
        }
    }

    /// Selects the rows of devices whose id matches one of the patterns.
    #[must_use]
    pub fn with_devices(mut self, patterns: Vec<Pattern>) -> Self {
        self.devices = patterns;
        self
    }

    /// Selects the rows of these channels.
    #[must_use]
    pub fn with_channels(mut self, channels: Vec<String>) -> Self {
        self.channels = channels;
        self
    }

    /// Selects the rows with these outcomes.
    #[must_use]
    pub fn with_outcomes(mut self, outcomes: Vec<String>) -> Self {
        self.outcomes = outcomes;
        self
    }

    /// Selects the rows from one time on and before another, in microseconds since 1970.
    #[must_use]
    pub fn with_times(mut self, from: Option<i64>, before: Option<i64>) -> Self {
        self.from = from;
        self.before = before;
        self
    }

    /// Sets the unit of times that are numbers.
    #[must_use]
    pub fn with_time_unit(mut self, unit: Option<TimeUnit>) -> Self {
        self.time_unit = unit;
        self
    }

    /// Sets whether rows may be out of the order of time.
    #[must_use]
    pub fn with_sort(mut self, sort: bool) -> Self {
        self.sort = sort;
        self
    }

    /// Sets the use of recorded topics and paths.
    #[must_use]
    pub fn with_topics(mut self, topics: RecordedTopics) -> Self {
        self.topics = topics;
        self
    }

    /// Sets the number of threads that will send.
    #[must_use]
    pub fn with_workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }
}

/// Options for sending a recording.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ReplayOptions {
    /// The speed; as recorded by default.
    pub speed: Speed,
    /// Whether messages go to the topics of the target's channels instead of the recorded
    /// ones, which are the default.
    pub targets_topics: bool,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            speed: Speed::Times(1.0),
            targets_topics: false,
        }
    }
}

impl ReplayOptions {
    /// Sets the speed.
    #[must_use]
    pub fn with_speed(mut self, speed: Speed) -> Self {
        self.speed = speed;
        self
    }

    /// Sets whether messages go to the topics of the target's channels.
    #[must_use]
    pub fn with_targets_topics(mut self, targets_topics: bool) -> Self {
        self.targets_topics = targets_topics;
        self
    }
}
