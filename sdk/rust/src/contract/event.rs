//! Defines the events of a device between its ticks.

use std::time::Duration;

use crate::contract::turn::Message;

/// Something that happened to a device between ticks. A behaviour receives the kinds that
/// its [`About`](crate::About) names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection is up. Named by [`About::link`](crate::About::link).
    Connected,
    /// The connection is lost, for this reason. Named by
    /// [`About::link`](crate::About::link).
    Disconnected(String),
    /// The backend sent this device a message. Named by
    /// [`About::downlink`](crate::About::downlink).
    Received(Message),
    /// A message of this device has its final outcome. Named by
    /// [`About::receipts`](crate::About::receipts).
    Settled(Receipt),
}

/// The outcome of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The message's number among all messages of this device, from zero.
    pub sequence: u64,
    /// The channel that it was sent on.
    pub channel: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The time from sending to confirmation; `None` without a confirmation.
    pub latency: Option<Duration>,
    /// The protocol's own text, for example an HTTP status or a reason code.
    pub detail: Option<String>,
}

impl Receipt {
    /// A receipt without latency and detail.
    pub fn new(sequence: u64, channel: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            sequence,
            channel: channel.into(),
            outcome,
            latency: None,
            detail: None,
        }
    }
}

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The backend confirmed it.
    Acked,
    /// It is on the wire, and the protocol gives no confirmation.
    Sent,
    /// It was rejected, timed out, or lost with the connection.
    Failed,
    /// It never left the host: the device's outbox was full, or a fault dropped it.
    Dropped,
}
