//! Rows as a worker hands them over: small, by number, borrowed. And their form in a
//! segment: one after the other, as postcard writes them.

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
}

impl Outcome {
    /// As the column `outcome` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Unconfirmed => "unconfirmed",
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
}

impl EventKind {
    /// As the column `kind` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
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
        }
    }
}

/// One message at its end. Times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRow<'a> {
    /// The device's number in the fleet.
    pub device: u32,
    /// The route's number in the directory.
    pub route: u16,
    /// The message's number among all of this device.
    pub seq: u64,
    /// Which try; zero when there was none.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// HTTP status or MQTT reason.
    pub code: Option<i32>,
    /// The cause, in words.
    #[serde(borrow)]
    pub error: Option<&'a str>,
    /// The injected fault that touched it.
    pub fault: Option<&'a str>,
    /// What the device last reported about itself.
    pub status: Option<&'a str>,
    /// When its tick was due.
    pub scheduled_at: i64,
    /// When it left.
    pub sent_at: Option<i64>,
    /// When it was confirmed.
    pub acked_at: Option<i64>,
    /// What was sent.
    #[serde(with = "serde_bytes")]
    pub payload: &'a [u8],
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

/// A row of either table, as a segment holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stored<'a> {
    Send(#[serde(borrow)] SendRow<'a>),
    Event(#[serde(borrow)] EventRow<'a>),
}

impl<'a> Stored<'a> {
    /// Appends the row to a segment.
    pub(super) fn write(&self, segment: &mut Vec<u8>) {
        // Into memory, with lengths that are known: there is nothing that can fail.
        if let Ok(longer) = postcard::to_extend(self, std::mem::take(segment)) {
            *segment = longer;
        }
    }

    /// Reads the first row of a segment, and what follows it.
    pub(super) fn read(segment: &'a [u8]) -> Option<(Self, &'a [u8])> {
        postcard::take_from_bytes(segment).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back_as_they_were(
            device: u32,
            seq: u64,
            code: Option<i32>,
            error in proptest::option::of(".{0,20}"),
            at: i64,
            sent: Option<i64>,
            payload: Vec<u8>,
        ) {
            let send = Stored::Send(SendRow {
                device,
                route: 3,
                seq,
                attempt: 1,
                outcome: Outcome::Failed,
                code,
                error: error.as_deref(),
                fault: None,
                status: Some("ok"),
                scheduled_at: at,
                sent_at: sent,
                acked_at: None,
                payload: &payload,
            });
            let event = Stored::Event(EventRow { device, at, kind: EventKind::Missed, detail: None });
            let mut segment = Vec::new();
            send.write(&mut segment);
            event.write(&mut segment);
            let (first, rest) = Stored::read(&segment).unwrap();
            let (second, rest) = Stored::read(rest).unwrap();
            prop_assert_eq!((first, second, rest.len()), (send, event, 0));
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes: Vec<u8>) {
            let _ = Stored::read(&bytes);
        }
    }
}
