//! Injected faults as the plan has them: what breaks, in which messages or links, of
//! which devices, and when. Knows nothing of TOML.

use std::time::Duration;

use crate::document::template::Template;

/// Something that breaks on purpose in a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What breaks.
    pub kind: FaultKind,
    /// FaultSchedule it may.
    pub schedule: FaultSchedule,
    /// The share of the group's devices that have it, above 0 and up to 1.
    pub devices: f64,
    /// The share of messages that it touches, above 0 and up to 1; 1 for what is no
    /// fault of messages.
    pub probability: f64,
    /// The only channel whose messages it touches.
    pub channel: Option<String>,
}

/// What breaks.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The message never leaves.
    Drop,
    /// It is sent so many times more.
    Duplicate {
        /// How often, beside the message itself.
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
        /// AfterStages so many of them.
        messages: u32,
    },
    /// Bytes of its payload are flipped.
    Corrupt {
        /// How many.
        bytes: u32,
    },
    /// Its payload ends early.
    Truncate(CutTo),
    /// Its payload is filled up to this many bytes.
    Oversize {
        /// So many.
        size: u64,
    },
    /// It goes elsewhere.
    WrongTopic {
        /// The MQTT topic, or the HTTP path.
        topic: Template,
    },
    /// The device's clock is wrong.
    ClockSkew {
        /// By so many microseconds when the fault begins …
        offset: i64,
        /// … and by so many more each second, in parts of a second.
        drift: f64,
    },
    /// The connection is closed, or lost, and stays away.
    Disconnect {
        /// Without a goodbye.
        vanish: bool,
    },
    /// The connection stays, and nothing goes over it.
    HalfOpen,
    /// The connection is lost and comes back, again and again.
    Flapping {
        /// How often it is lost.
        times: u32,
        /// For how long.
        down: Duration,
        /// How long it is there in between.
        up: Duration,
    },
    /// The connection is slow.
    SlowLink {
        /// Bytes a second that go out, at most.
        bandwidth: Option<u64>,
        /// By how much later each message leaves.
        latency: Duration,
    },
    /// All devices lose their connection, and come back at one moment.
    ReconnectStorm,
}

/// Where a payload is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CutTo {
    /// This share of it stays.
    Share(f64),
    /// So many bytes stay.
    Size(u64),
}

/// What a message can have only once: faults of one family exclude one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultFamily {
    /// Whether it leaves.
    Loss,
    /// How often.
    Count,
    /// FaultSchedule.
    Time,
    /// Which of its bytes are right.
    Bytes,
    /// How many there are.
    Size,
    /// Where it goes.
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

/// FaultSchedule a fault may happen. All of it counts from the start of the run.
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
        /// FaultSchedule it begins.
        at: Duration,
        /// How long it lasts.
        duration: Duration,
    },
    /// Again and again, for all devices at the same moments.
    Every {
        /// FaultSchedule it first begins.
        first: Duration,
        /// From one beginning to the next.
        every: Duration,
        /// How long it lasts.
        duration: Duration,
    },
    /// Once in each of these times, at a moment that is drawn for each device.
    Drawn {
        /// The time in which there is one.
        every: Duration,
        /// How long it lasts.
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
