//! Holds the data of a page.

use mockfleet_sendlog::Timeline;
use serde_json::Value;

/// The data of a page.
pub struct PageData<'a> {
    /// The timeline of the rows.
    pub timeline: &'a Timeline,
    /// The metadata of the run.
    pub note: Option<&'a Value>,
    /// The location of the log.
    pub location: &'a str,
    /// The time at which the page is made.
    pub made: &'a str,
    /// The state of rows in the spool, if there are some.
    pub spooled: Option<&'a str>,
}

impl<'a> PageData<'a> {
    /// Returns a value of the metadata by its path.
    pub(crate) fn noted(&self, path: &[&str]) -> Option<&'a Value> {
        let note = self.note?;
        let found = path.iter().try_fold(note, |value, key| value.get(key));
        found.filter(|value| !value.is_null())
    }

    /// Returns a text of the metadata by its path.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.noted(path)?.as_str()
    }
}
