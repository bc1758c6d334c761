//! Holds the data of a page: rows, metadata, and the state of the log.

use mockfleet_sendlog::Survey;
use serde_json::Value;

/// What a page tells of.
pub struct PageData<'a> {
    /// The rows, summed up.
    pub survey: &'a Survey,
    /// What the run noted of itself.
    pub note: Option<&'a Value>,
    /// Where the log is.
    pub location: &'a str,
    /// When the page is made.
    pub made: &'a str,
    /// What of the run is in the spool, in a word, if there is something.
    pub spooled: Option<&'a str>,
}

impl<'a> PageData<'a> {
    /// What the run noted, step by step.
    pub(crate) fn noted(&self, path: &[&str]) -> Option<&'a Value> {
        let note = self.note?;
        let found = path.iter().try_fold(note, |value, key| value.get(key));
        found.filter(|value| !value.is_null())
    }

    /// A text that the run noted.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.noted(path)?.as_str()
    }
}
