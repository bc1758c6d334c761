//! Defines the records of the spool: messages, outcomes and events.

use serde::{Deserialize, Serialize};

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The backend acknowledged the message.
    Acked,
    /// Written to the connection; nothing acknowledges the message.
    Sent,
    /// Refused, timed out, or lost with the connection.
    Failed,
    /// The message never left the host.
    Dropped,
    /// Written to the connection, and not acknowledged when the run ended.
    Unconfirmed,
    /// Written to the log only; the target was not contacted.
    Written,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 6] = [
        Self::Acked,
        Self::Sent,
        Self::Failed,
        Self::Dropped,
        Self::Unconfirmed,
        Self::Written,
    ];

    /// Returns the outcome with this value of the column `outcome`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Returns the value of the column `outcome`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Unconfirmed => "unconfirmed",
            Self::Written => "written",
        }
    }
}

/// The kind of an event of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// The device was switched on.
    Born,
    /// The device's connection is up.
    Connected,
    /// The device's connection is lost or closed.
    Disconnected,
    /// The backend sent a message to the device.
    Received,
    /// The device reports another status.
    Status,
    /// Ticks that were due and did not run.
    Missed,
    /// A call returned an error.
    Failed,
    /// A crash stopped the device's cell.
    Stopped,
    /// The device was created again in another cell.
    Restarted,
    /// The device switched itself off for good.
    Retired,
    /// The worker dropped rows because the spool was over its limit.
    Lost,
    /// An injected fault of the device's link begins.
    Fault,
    /// The backend refused a subscription of the device.
    Refused,
    /// The backend sent a message that is too large for the device to receive.
    Oversize,
}

impl EventKind {
    /// Returns the value of the column `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Born => "born",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Received => "received",
            Self::Status => "status",
            Self::Missed => "missed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Restarted => "restarted",
            Self::Retired => "retired",
            Self::Lost => "lost",
            Self::Fault => "fault",
            Self::Refused => "refused",
            Self::Oversize => "oversize",
        }
    }
}

/// A message that a device returned, written before it is sent. Times are microseconds since
/// 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The message's number among all messages of this device.
    pub seq: u64,
    /// Zero for the message itself. Copies that a fault sends count from one.
    pub copy: u8,
    /// The route's number in the run catalog.
    pub route: u16,
    /// The topic or path, if it differs from that of the route.
    #[serde(borrow)]
    pub topic: Option<&'a str>,
    /// The injected fault that applies to the message.
    #[serde(borrow)]
    pub fault: Option<&'a str>,
    /// The last status that the device reported.
    pub status: Option<&'a str>,
    /// Due time of the message's tick.
    pub scheduled_at: i64,
    /// The bytes to send.
    #[serde(with = "serde_bytes")]
    pub payload: &'a [u8],
}

/// The outcome of a message and its times, which are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The message's number among all messages of this device.
    pub seq: u64,
    /// The number of the copy, as in [`MessageRow`].
    pub copy: u8,
    /// The number of the attempt, from one; zero if the message was never sent.
    pub attempt: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// HTTP status or MQTT reason code.
    pub code: Option<i32>,
    /// The cause, as text.
    #[serde(borrow)]
    pub error: Option<&'a str>,
    /// The time at which the message was sent.
    pub sent_at: Option<i64>,
    /// The time at which the message was acknowledged.
    pub acked_at: Option<i64>,
}

/// An event of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The time, in microseconds since 1970, UTC.
    pub at: i64,
    /// The kind of the event.
    pub kind: EventKind,
    /// Details of the event.
    #[serde(borrow)]
    pub detail: Option<&'a str>,
}

/// A record of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record<'a> {
    Message(#[serde(borrow)] MessageRow<'a>),
    Outcome(#[serde(borrow)] OutcomeRow<'a>),
    Event(#[serde(borrow)] EventRow<'a>),
    /// Rows of each table that were numbered before this segment. It is the first record of a
    /// segment that carries open messages over.
    Numbered {
        sends: i64,
        events: i64,
    },
    /// A message that is complete as soon as it is appended: its target is not contacted.
    Written(#[serde(borrow)] MessageRow<'a>),
}

/// The identity of a message: device, number and copy.
pub(crate) type MessageKey = (u32, u64, u8);

/// Returns the key of a message without reading the rest of its record. postcard writes the
/// variant first, and then the fields in their order.
pub(crate) fn message_key(bytes: &[u8]) -> Option<MessageKey> {
    let ((variant, key), _) = postcard::take_from_bytes::<(u32, MessageKey)>(bytes).ok()?;
    (variant == 0).then_some(key)
}

impl<'a> Record<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_back_as_they_were(
            device: u32,
            seq: u64,
            copy: u8,
            topic in proptest::option::of(".{0,20}"),
            code: Option<i32>,
            error in proptest::option::of(".{0,20}"),
            at: i64,
            sent: Option<i64>,
            payload: Vec<u8>,
        ) {
            let records = [
                Record::Message(MessageRow {
                    device,
                    seq,
                    copy,
                    route: 3,
                    topic: topic.as_deref(),
                    fault: None,
                    status: Some("ok"),
                    scheduled_at: at,
                    payload: &payload,
                }),
                Record::Outcome(OutcomeRow {
                    device,
                    seq,
                    copy,
                    attempt: 1,
                    outcome: Outcome::Failed,
                    code,
                    error: error.as_deref(),
                    sent_at: sent,
                    acked_at: None,
                }),
                Record::Event(EventRow { device, at, kind: EventKind::Missed, detail: None }),
                Record::Numbered { sends: at, events: 0 },
            ];
            let bytes = postcard::to_allocvec(&records[0]).unwrap();
            prop_assert_eq!(message_key(&bytes), Some((device, seq, copy)));
            let bytes = postcard::to_allocvec(&records[1]).unwrap();
            prop_assert_eq!(message_key(&bytes), None);
            for record in records {
                let bytes = postcard::to_allocvec(&record).unwrap();
                prop_assert_eq!(Record::parse(&bytes), Some(record.clone()));
            }
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes: Vec<u8>) {
            let _ = Record::parse(&bytes);
        }
    }
}
