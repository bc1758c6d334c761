//! Describes the send log of a finished run.

use serde_json::{Value, json};

use crate::format::{bytes, count};
use crate::num::as_f64;

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
            "{location}: {} rows in sends, {} in events, {} in {} files ({:.0} bytes a row)",
            count(self.rows),
            count(self.events),
            bytes(self.bytes),
            count(self.files),
            as_f64(self.bytes) / as_f64(rows.max(1)),
        );
        if self.requests > 0 {
            text.push_str(&format!(", with {} requests", count(self.requests)));
        }
        if self.pruned > 0 {
            text.push_str(&format!(
                "; {} files were older than retention, and were deleted",
                count(self.pruned)
            ));
        }
        if self.spooled > 0 {
            text.push_str(&format!(
                "; {} rows in sends are in the spool only",
                count(self.spooled)
            ));
        }
        if self.lost > 0 {
            text.push_str(&format!(
                "; {} rows were lost, since the spool was over its limit (spool-limit, spool-full)",
                count(self.lost)
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
