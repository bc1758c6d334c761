//! Where a log is, and the first question to it.

use mockfleet_config::Store;

/// Rows of the first answer: what fits under a summary.
pub const FIRST_ROWS: usize = 5;

/// A store as people name it.
#[must_use]
pub fn location(store: &Store) -> String {
    match store {
        Store::Folder(folder) => folder.display().to_string(),
        Store::S3 { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
        Store::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
    }
}

/// The first question to a log, in DuckDB's SQL: what became of each device's
/// messages. [`super::read`] answers the same.
#[must_use]
pub fn query(store: &Store, run: &str) -> String {
    let files = format!("{}/sends/*/*/*{run}*.parquet", location(store)).replace('\'', "''");
    format!(
        "SELECT device_id, count(*) AS messages, count(*) FILTER (outcome = 'acked') AS acked, \
         round(avg(latency_us) / 1000, 2) AS latency_ms, max_by(device_status, seq) AS status \
         FROM read_parquet('{files}') GROUP BY device_id ORDER BY device_id LIMIT {FIRST_ROWS}"
    )
}
