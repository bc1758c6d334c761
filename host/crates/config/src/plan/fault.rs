//! Describes injected faults: kind, times, devices and messages.

use std::time::Duration;

use crate::document::template::Template;

/// Something that breaks on purpose in a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The times at which it may happen.
    pub schedule: FaultSchedule,
    /// The share of the group's devices that have it, above 0 and up to 1.
    pub devices: f64,
    /// The share of messages with the fault, above 0 and up to 1; 1 for faults of other
    /// families.
    pub probability: f64,
    /// The only channel with the fault; `None` is all channels.
    pub channel: Option<String>,
}

/// The kind of a fault, with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The message never leaves.
    Drop,
    /// The message is sent again.
    Duplicate {
        /// The number of copies, beside the message itself.
        copies: u8,
    },
    /// It leaves later, by a time that is drawn between these two.
    Delay {
        /// Origin least so much.
        least: Duration,
        /// Origin most so much.
        most: Duration,
    },
    /// It leaves after the device's next messages.
    Reorder {
        /// The number of later messages.
        messages: u32,
    },
    /// Bytes of its payload are flipped.
    Corrupt {
        /// The number of bytes.
        bytes: u32,
    },
    /// Its payload ends early.
    Truncate(CutTo),
    /// Its payload is filled up to this many bytes.
    Oversize {
        /// The size in bytes.
        size: u64,
    },
    /// It goes elsewhere.
    WrongTopic {
        /// The MQTT topic, or the HTTP path.
        topic: Template,
    },
    /// The device's clock is wrong.
    ClockSkew {
        /// The offset in microseconds when the fault begins.
        offset: i64,
        /// The gain in seconds per second.
        drift: f64,
    },
    /// The connection is closed, or lost, and stays away.
    Disconnect {
        /// Without a goodbye.
        vanish: bool,
    },
    /// The connection stays, and nothing goes over it.
    HalfOpen,
    /// The connection is lost several times in a row.
    Flapping {
        /// The number of losses.
        times: u32,
        /// For how long.
        down: Duration,
        /// The time between two losses.
        up: Duration,
    },
    /// The connection is slow.
    SlowLink {
        /// Bytes a second that go out, at most.
        bandwidth: Option<u64>,
        /// By how much later each message leaves.
        latency: Duration,
    },
    /// All devices lose their connection, and reconnect at the same times.
    ReconnectStorm,
}

/// The remaining part of a payload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CutTo {
    /// This share of it stays.
    Share(f64),
    /// This number of bytes remains.
    Size(u64),
}

/// A property of a message that only one fault can change: faults of one family exclude one
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultFamily {
    /// Whether it leaves.
    Loss,
    /// The number of copies.
    Count,
    /// The time at which it leaves.
    Time,
    /// The values of bytes.
    Bytes,
    /// The number of bytes.
    Size,
    /// The destination.
    Place,
}

impl FaultKind {
    /// As the fleet file and the column `fault` have it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Duplicate { .. } => "duplicate",
            Self::Delay { .. } => "delay",
            Self::Reorder { .. } => "reorder",
            Self::Corrupt { .. } => "corrupt",
            Self::Truncate(_) => "truncate",
            Self::Oversize { .. } => "oversize",
            Self::WrongTopic { .. } => "wrong-topic",
            Self::ClockSkew { .. } => "clock-skew",
            Self::Disconnect { .. } => "disconnect",
            Self::HalfOpen => "half-open",
            Self::Flapping { .. } => "flapping",
            Self::SlowLink { .. } => "slow-link",
            Self::ReconnectStorm => "reconnect-storm",
        }
    }

    /// The family of a fault of messages; others have none.
    #[must_use]
    pub const fn family(&self) -> Option<FaultFamily> {
        match self {
            Self::Drop => Some(FaultFamily::Loss),
            Self::Duplicate { .. } => Some(FaultFamily::Count),
            Self::Delay { .. } | Self::Reorder { .. } => Some(FaultFamily::Time),
            Self::Corrupt { .. } => Some(FaultFamily::Bytes),
            Self::Truncate(_) | Self::Oversize { .. } => Some(FaultFamily::Size),
            Self::WrongTopic { .. } => Some(FaultFamily::Place),
            _ => None,
        }
    }

    /// Whether it is one of the connection.
    #[must_use]
    pub const fn is_link_fault(&self) -> bool {
        self.cuts_link() || matches!(self, Self::SlowLink { .. })
    }

    /// Whether it takes the connection away.
    #[must_use]
    pub const fn cuts_link(&self) -> bool {
        matches!(
            self,
            Self::Disconnect { .. } | Self::HalfOpen | Self::Flapping { .. } | Self::ReconnectStorm
        )
    }
}

/// The times at which a fault may happen, from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultSchedule {
    /// Not before.
    pub from: Duration,
    /// Nothing begins from here on.
    pub until: Option<Duration>,
    /// Origin which moments in between.
    pub times: FaultTimes,
}

/// The moments at which a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTimes {
    /// It is there all the time.
    Always,
    /// Once.
    Once {
        /// The time of its begin.
        at: Duration,
        /// The duration.
        duration: Duration,
    },
    /// Again and again, for all devices at the same moments.
    Every {
        /// The time of its first begin.
        first: Duration,
        /// From one beginning to the next.
        every: Duration,
        /// The duration.
        duration: Duration,
    },
    /// Once in each of these times, at a moment that is drawn for each device.
    Drawn {
        /// The time in which there is one.
        every: Duration,
        /// The duration.
        duration: Duration,
    },
}

impl FaultSchedule {
    /// From when to when it can be there at all.
    #[must_use]
    pub fn span(&self) -> (Duration, Duration) {
        let until = self.until.unwrap_or(Duration::MAX);
        match self.times {
            FaultTimes::Always | FaultTimes::Drawn { .. } => (self.from, until),
            FaultTimes::Once { at, duration } => (at, at.saturating_add(duration)),
            FaultTimes::Every { first, .. } => (first, until),
        }
    }
}
