//! What happens to a device between ticks. Owns the types; must not know how the
//! host learns of it.

use std::time::Duration;

use crate::contract::turn::Message;

/// Something that happened to a device between ticks. A behaviour is told of the
/// kinds that its [`About`](crate::About) names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection is up. Named by [`About::link`](crate::About::link).
    Connected,
    /// The connection is lost; the text says why. Named by
    /// [`About::link`](crate::About::link).
    Disconnected(String),
    /// The backend sent this device a message. Named by
    /// [`About::downlink`](crate::About::downlink).
    Received(Message),
    /// A message of this device came to its end. Named by
    /// [`About::receipts`](crate::About::receipts).
    Settled(Receipt),
}

/// The end of one message's story.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The message's number: its place among all messages of this device, from zero.
    pub sequence: u64,
    /// The channel that it was sent on.
    pub channel: String,
    /// What became of it.
    pub outcome: Outcome,
    /// From sending to confirmation; `None` when there was none.
    pub latency: Option<Duration>,
    /// The protocol's own words, for example an HTTP status or a reason code.
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

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The backend confirmed it.
    Acked,
    /// It is on the wire, and the protocol gives no confirmation.
    Sent,
    /// It was refused, timed out, or lost with the connection.
    Failed,
    /// It never left the host: the device's outbox was full, or a fault took it.
    Dropped,
}
