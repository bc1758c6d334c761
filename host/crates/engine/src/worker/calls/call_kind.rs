//! Distinguishes the calls of a device.

/// A call of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    Start,
    Tick,
    /// For an event. If it is the receipt of a dropped message, with the number of dropped messages
    /// in a row.
    Handle {
        drops: u8,
    },
}

impl CallKind {
    /// Returns the name of the function in the contract.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Tick => "tick",
            Self::Handle { .. } => "handle",
        }
    }

    pub(crate) fn is_event(self) -> bool {
        matches!(self, Self::Handle { .. })
    }

    /// Returns the number of dropped messages in a row to which the call is an answer.
    pub(crate) fn drops(self) -> u8 {
        match self {
            Self::Start | Self::Tick => 0,
            Self::Handle { drops } => drops,
        }
    }
}
