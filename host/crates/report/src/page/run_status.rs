//! Derives the status of a run from its metadata.

use serde_json::Value;

use crate::page::page_data::PageData;

/// The status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunStatus {
    Passed,
    Failed,
    Interrupted,
    /// The metadata has a start and no end.
    NoEnd,
    /// There is no metadata.
    NoMetadata,
}

impl RunStatus {
    pub(crate) fn from_metadata(data: &PageData<'_>) -> Self {
        let flag = |key: &str| data.noted(&[key]).and_then(Value::as_bool);
        match (data.note, data.noted(&["ended"])) {
            (None, _) => Self::NoMetadata,
            (Some(_), None) => Self::NoEnd,
            _ if flag("success") != Some(true) => Self::Failed,
            _ if flag("interrupted") == Some(true) => Self::Interrupted,
            _ => Self::Passed,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "stopped by hand",
            Self::NoEnd => "without an end",
            Self::NoMetadata => "no verdict",
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
