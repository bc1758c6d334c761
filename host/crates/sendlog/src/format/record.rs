//! Defines the records of the spool: messages, outcomes and events.

use serde::{Deserialize, Serialize};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The backend confirmed it.
    Acked,
    /// On the wire; nothing confirms it.
    Sent,
    /// Refused, timed out, or lost with the connection.
    Failed,
    /// It never left the host.
    Dropped,
    /// On the wire and unanswered when the run ended.
    Unconfirmed,
    /// Written to the log only; its target was not contacted.
    Written,
}

impl Outcome {
    /// As the column `outcome` has it.
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

/// What happened to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// Switched on.
    Born,
    /// Its connection is up.
    Connected,
    /// Its connection is lost or closed.
    Disconnected,
    /// The backend sent it a message.
    Received,
    /// It reports another status.
    Status,
    /// Ticks that were due and did not run.
    Missed,
    /// A call returned an error.
    Failed,
    /// Its cell was stopped by a fault.
    Stopped,
    /// Made anew in another cell.
    Restarted,
    /// Switched off for good.
    Retired,
    /// Rows of its worker that found the spool over its limit.
    Lost,
    /// An injected fault of its link begins.
    Fault,
}

impl EventKind {
    /// As the column `kind` has it.
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
        }
    }
}

/// A message that a device returned, before anything is sent. Times are microseconds
/// since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The message's number among all of this device.
    pub seq: u64,
    /// Zero for the message itself; counts what a fault sends of it again.
    pub copy: u8,
    /// The route's number in the directory.
    pub route: u16,
    /// Where it goes, where that is not where its route leads.
    #[serde(borrow)]
    pub topic: Option<&'a str>,
    /// The injected fault that touched it.
    #[serde(borrow)]
    pub fault: Option<&'a str>,
    /// What the device last reported about itself.
    pub status: Option<&'a str>,
    /// When its tick was due.
    pub scheduled_at: i64,
    /// What is to be sent.
    #[serde(with = "serde_bytes")]
    pub payload: &'a [u8],
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The message's number among all of this device.
    pub seq: u64,
    /// Which of its copies, as in [`MessageRow`].
    pub copy: u8,
    /// Which try; zero when there was none.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// HTTP status or MQTT reason.
    pub code: Option<i32>,
    /// The cause, in words.
    #[serde(borrow)]
    pub error: Option<&'a str>,
    /// When it left.
    pub sent_at: Option<i64>,
    /// When it was confirmed.
    pub acked_at: Option<i64>,
}

/// Something that happened to a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
    /// What.
    pub kind: EventKind,
    /// More about it.
    #[serde(borrow)]
    pub detail: Option<&'a str>,
}

/// A record of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record<'a> {
    Message(#[serde(borrow)] MessageRow<'a>),
    Outcome(#[serde(borrow)] OutcomeRow<'a>),
    Event(#[serde(borrow)] EventRow<'a>),
    /// How many rows of each table were numbered before this segment; first in the
    /// segment that carries open messages over.
    Numbered {
        sends: i64,
        events: i64,
    },
    /// A message that is at its end as soon as it is appended: its target is not
    /// contacted.
    Written(#[serde(borrow)] MessageRow<'a>),
}

/// What tells messages apart: device, number and copy.
pub(crate) type MessageKey = (u32, u64, u8);

/// The key of a message, read without the rest of its record: postcard writes the
/// variant and then the fields in their order.
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
