//! Derives the status of a run from its metadata.

use serde_json::Value;

use crate::page::page_data::PageData;

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunStatus {
    Passed,
    Failed,
    Interrupted,
    /// It has noted its start, and no end.
    NoEnd,
    /// It has noted nothing.
    NotNoted,
}

impl RunStatus {
    pub(crate) fn from_metadata(data: &PageData<'_>) -> Self {
        let said = |key: &str| data.noted(&[key]).and_then(Value::as_bool);
        match (data.note, data.noted(&["ended"])) {
            (None, _) => Self::NotNoted,
            (Some(_), None) => Self::NoEnd,
            _ if said("success") != Some(true) => Self::Failed,
            _ if said("interrupted") == Some(true) => Self::Interrupted,
            _ => Self::Passed,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "stopped by hand",
            Self::NoEnd => "no end is noted",
            Self::NotNoted => "no verdict",
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Passed => "good",
            Self::Failed => "bad",
            _ => "open",
        }
    }
}
