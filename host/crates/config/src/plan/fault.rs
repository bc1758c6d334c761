//! Describes injected faults: kind, times, devices and messages.

use std::time::Duration;

use crate::document::template::Template;

/// A fault of a group, which the fleet file requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The times at which it may happen.
    pub schedule: FaultSchedule,
    /// The share of the group's devices that have the fault, above 0 and up to 1.
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
    /// Copies of the message are sent.
    Duplicate {
        /// The number of copies, without the message itself.
        copies: u8,
    },
    /// The message leaves later, by a drawn time within these bounds.
    Delay {
        /// The shortest delay.
        least: Duration,
        /// The longest delay.
        most: Duration,
    },
    /// The message leaves after later messages of its device.
    Reorder {
        /// The number of later messages.
        messages: u32,
    },
    /// Bytes of the payload are flipped.
    Corrupt {
        /// The number of bytes.
        bytes: u32,
    },
    /// The payload is cut to its beginning.
    Truncate(CutTo),
    /// The payload is filled up to a size.
    Oversize {
        /// The size in bytes.
        size: u64,
    },
    /// The message is sent to another topic or path.
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
    /// The connection is closed or lost for a duration.
    Disconnect {
        /// Whether the connection is lost without a DISCONNECT packet.
        vanish: bool,
    },
    /// The connection stays open, and transfers no byte.
    HalfOpen,
    /// The connection is lost several times in a row.
    Flapping {
        /// The number of losses.
        times: u32,
        /// The duration of each loss.
        down: Duration,
        /// The time between two losses.
        up: Duration,
    },
    /// The connection is slow.
    SlowLink {
        /// The largest number of bytes a second that leave.
        bandwidth: Option<u64>,
        /// The time by which each message leaves later.
        latency: Duration,
    },
    /// All devices lose their connection, and reconnect at the same times.
    ReconnectStorm,
}

/// The remaining part of a payload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CutTo {
    /// This share of the payload remains.
    Share(f64),
    /// This number of bytes remains.
    Size(u64),
}

/// A property of a message that only one fault can change: faults of one family exclude one
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultFamily {
    /// Whether the message leaves.
    Loss,
    /// The number of copies.
    Count,
    /// The time at which the message leaves.
    Time,
    /// The values of bytes.
    Bytes,
    /// The number of bytes.
    Size,
    /// The destination.
    Place,
}

impl FaultKind {
    /// Returns the word of the kind in fleet files and in the column `fault`.
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

    /// Returns the family of a message fault. Other faults have none.
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

    /// Returns whether the fault affects the connection.
    #[must_use]
    pub const fn is_link_fault(&self) -> bool {
        self.cuts_link() || matches!(self, Self::SlowLink { .. })
    }

    /// Returns whether the fault interrupts the connection.
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
    /// No window begins before this time.
    pub from: Duration,
    /// No window begins at or after this time.
    pub until: Option<Duration>,
    /// The times at which windows begin.
    pub times: FaultTimes,
}

/// The times at which a fault begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTimes {
    /// During the whole time.
    Always,
    /// One time.
    Once {
        /// The begin of the window.
        at: Duration,
        /// The duration.
        duration: Duration,
    },
    /// Repeatedly, at the same times for all devices.
    Every {
        /// The begin of the first window.
        first: Duration,
        /// The time from one begin to the next.
        every: Duration,
        /// The duration.
        duration: Duration,
    },
    /// Once in each interval, at a time that is drawn for each device.
    Drawn {
        /// The interval with one window.
        every: Duration,
        /// The duration.
        duration: Duration,
    },
}

impl FaultSchedule {
    /// Returns the begin and the end of the time in which the fault can be active.
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
