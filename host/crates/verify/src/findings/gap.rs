//! Describes messages of which a kind of finding cannot be told.

/// A reason why a kind of finding cannot be told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// No column of the received table has times of arrival.
    NoArrivalColumn,
    /// The received row has no time of arrival.
    NoArrivalTime,
    /// The log has no time of sending.
    NeverSent,
    /// No column of the received table has payloads.
    NoPayloadColumn,
    /// The payload is the key, so that another payload is another message.
    PayloadIsKey,
    /// The log has no payload.
    NoLoggedPayload,
    /// The log has the beginning of the payload only.
    CutPayload,
}

/// The names of the received columns, for messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnNames {
    pub(crate) received: String,
    pub(crate) received_at: Option<String>,
}

impl Gap {
    /// Returns whether the gap concerns all messages of a comparison.
    pub(crate) const fn is_total(self) -> bool {
        matches!(
            self,
            Self::NoArrivalColumn | Self::NoPayloadColumn | Self::PayloadIsKey
        )
    }

    /// Returns the way out, in a few words.
    pub(crate) const fn way_out(self) -> &'static str {
        match self {
            Self::NoArrivalColumn | Self::NoArrivalTime => "--received-at COLUMN",
            Self::NeverSent => "a log of messages that were sent",
            Self::NoPayloadColumn => "--payload COLUMN",
            Self::PayloadIsKey => "--key device=COLUMN,FIELD=COLUMN",
            Self::NoLoggedPayload | Self::CutPayload => "payload = \"full\" or \"hash\" in [log]",
        }
    }

    /// Describes the gap of this number of messages, with the way out.
    pub(crate) fn text(self, messages: u64, names: &ColumnNames) -> String {
        let received = &names.received;
        let column = names.received_at.as_deref().unwrap_or_default();
        let messages = match messages {
            1 => "1 message".to_owned(),
            more => format!("{more} messages"),
        };
        match self {
            Self::NoArrivalColumn => format!(
                "no column of {received} is known to hold the moment of arrival; name it with --received-at COLUMN"
            ),
            Self::NoArrivalTime => format!(
                "{messages} came in rows of {received} without a moment in {column}; name a column that has it in each row with --received-at COLUMN"
            ),
            Self::NeverSent => format!(
                "the log has no moment of sending of {messages} (such as those of the outcome \"written\"), and late counts from it; compare a log of messages that were sent, such as one of `mockfleet run` or of `mockfleet backfill --send`"
            ),
            Self::NoPayloadColumn => format!(
                "no column of {received} is known to hold the payload; name it with --payload COLUMN"
            ),
            Self::PayloadIsKey => {
                "messages are known by their payload, so that a changed one is missing and unknown; name a key beside it with --key device=COLUMN,FIELD=COLUMN".to_owned()
            }
            Self::NoLoggedPayload => format!(
                "the log has no payload of {messages} (payload = \"none\" in [log]); write the log with payload = \"full\" or payload = \"hash\""
            ),
            Self::CutPayload => format!(
                "the log has only the beginning of the payload of {messages} (a size as payload in [log]); write the log with payload = \"full\" or payload = \"hash\""
            ),
        }
    }
}
