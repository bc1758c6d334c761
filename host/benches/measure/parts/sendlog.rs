//! Reads from the send log when devices were connected and had sent.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Returns the Parquet files of a table.
fn files(table: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![table.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// Returns all rows of a table, with all columns if `columns` is empty.
pub(crate) fn batches(table: &Path, columns: &[&str]) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    each(table, columns, |batch| batches.push(batch));
    batches
}

/// Returns the number of rows of a table.
pub(crate) fn rows(table: &Path) -> usize {
    let mut rows = 0;
    each(table, &["log_seq"], |batch| rows += batch.num_rows());
    rows
}

/// Passes the batches of a table to `take`, one by one.
pub(crate) fn each(table: &Path, columns: &[&str], mut take: impl FnMut(RecordBatch)) {
    for path in files(table) {
        let file = File::open(path).expect("a file");
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(reader.parquet_schema(), columns.iter().copied());
            reader = reader.with_projection(mask);
        }
        let reader = reader.with_batch_size(4096).build().expect("a reader");
        reader.for_each(|batch| take(batch.expect("a batch")));
    }
}

/// Returns when the last device had sent its first message, in microseconds since 1970.
/// Returns also the number of devices that have sent.
pub(crate) fn all_sending(log: &Path) -> (i64, usize) {
    earliest(
        batches(&log.join("sends"), &["device_id", "sent_at"]),
        "sent_at",
    )
}

/// Returns the time of the last device's first connection, and the number of connected
/// devices.
pub(crate) fn all_connected(log: &Path) -> (i64, usize) {
    let batches = batches(&log.join("events"), &["device_id", "at", "kind"]);
    let connected = batches.into_iter().map(|batch| {
        let kinds = batch.column_by_name("kind").expect("a column");
        let kinds = kinds.as_string::<i32>();
        let mask = kinds.iter().map(|kind| Some(kind == Some("connected")));
        let rows: Vec<usize> = mask
            .enumerate()
            .filter_map(|(row, is_it)| is_it?.then_some(row))
            .collect();
        (batch, rows)
    });
    let mut first: HashMap<String, i64> = HashMap::new();
    for (batch, rows) in connected {
        let ids = batch.column_by_name("device_id").expect("a column");
        let ids = ids.as_string::<i32>();
        let at = batch.column_by_name("at").expect("a column");
        let at = at.as_primitive::<TimestampMicrosecondType>();
        for row in rows {
            let moment = at.value(row);
            let known = first.entry(ids.value(row).to_owned()).or_insert(moment);
            *known = moment.min(*known);
        }
    }
    (first.values().copied().max().unwrap_or(0), first.len())
}

fn earliest(batches: Vec<RecordBatch>, column: &str) -> (i64, usize) {
    let mut first: HashMap<String, i64> = HashMap::new();
    for batch in batches {
        let ids = batch.column_by_name("device_id").expect("a column");
        let ids = ids.as_string::<i32>();
        let at = batch.column_by_name(column).expect("a column");
        let at = at.as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            if at.is_null(row) {
                continue;
            }
            let moment = at.value(row);
            match first.get_mut(ids.value(row)) {
                Some(known) => *known = moment.min(*known),
                None => {
                    first.insert(ids.value(row).to_owned(), moment);
                }
            }
        }
    }
    (first.values().copied().max().unwrap_or(0), first.len())
}
