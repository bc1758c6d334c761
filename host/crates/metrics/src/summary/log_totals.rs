//! Describes the send log of a finished run.

use serde_json::{Value, json};

use crate::format::bytes;
use crate::num::as_f64;
use mockfleet_files::counted::{agree, count, plural};

/// Totals of the send log of a run.
#[derive(Debug, Clone)]
pub struct LogTotals {
    /// The location; `None` when no log was written.
    pub location: Option<String>,
    /// Rows of the table `sends` in the store.
    pub rows: u64,
    /// Rows of the table `events` in the store.
    pub events: u64,
    /// Rows of the table `sends` whose files did not reach the store.
    pub spooled: u64,
    /// Parquet files.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Rows that were lost because the spool was over its limit.
    pub lost: u64,
    /// Requests to a bucket.
    pub requests: u64,
    /// Files that were deleted because they were older than `retention`.
    pub pruned: u64,
    /// The reason for which the log is incomplete.
    pub error: Option<String>,
    /// A first query of the log, in DuckDB's SQL.
    pub query: Option<String>,
}

impl LogTotals {
    pub(crate) fn json(&self) -> Value {
        json!({
            "rows": self.rows,
            "events": self.events,
            "spooled_rows": self.spooled,
            "files": self.files,
            "bytes": self.bytes,
            "lost_rows": self.lost,
            "requests": self.requests,
            "pruned_files": self.pruned,
            "log": self.location,
            "log_error": self.error,
            "query": self.query,
        })
    }

    /// Returns the location, rows and bytes, or the reason for which rows are missing.
    pub(crate) fn text(&self) -> String {
        let Some(location) = &self.location else {
            return "none was written (store = \"none\")".into();
        };
        let rows = self.rows + self.events;
        let mut text = format!(
            "{location}: {} in sends, {} in events, {} in {} ({:.0} bytes a row)",
            plural(self.rows, "row"),
            count(self.events),
            bytes(self.bytes),
            plural(self.files, "file"),
            as_f64(self.bytes) / as_f64(rows.max(1)),
        );
        if self.requests > 0 {
            text.push_str(&format!(", with {}", plural(self.requests, "request")));
        }
        if self.pruned > 0 {
            text.push_str(&format!(
                "; {} {1} older than retention, and {1} deleted",
                plural(self.pruned, "file"),
                agree(self.pruned, "was", "were")
            ));
        }
        if self.spooled > 0 {
            text.push_str(&format!(
                "; {} in sends {} in the spool only",
                plural(self.spooled, "row"),
                agree(self.spooled, "is", "are")
            ));
        }
        if self.lost > 0 {
            text.push_str(&format!(
                "; {} {} lost, since the spool was over its limit (spool-limit, spool-full)",
                plural(self.lost, "row"),
                agree(self.lost, "was", "were")
            ));
        }
        match &self.error {
            // The totals show how much was written before the error.
            Some(error) => format!("incomplete: {error}; so far {text}"),
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_that_is_not_whole_has_the_rows_of_its_store() {
        let totals = LogTotals {
            location: Some("logs".into()),
            rows: 632,
            events: 10,
            spooled: 968,
            files: 2,
            bytes: 6_420,
            lost: 0,
            requests: 0,
            pruned: 0,
            error: Some("the store is down".into()),
            query: None,
        };
        assert_eq!(
            totals.text(),
            "incomplete: the store is down; so far logs: 632 rows in sends, 10 in events, 6.3 KiB in 2 files (10 bytes a row); 968 rows in sends are in the spool only"
        );
        assert_eq!(totals.json()["rows"], 632);
        assert_eq!(totals.json()["spooled_rows"], 968);
    }
}
