//! Reading a log back: the answer to the first question of [`super::query`], from the
//! Parquet files themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use super::LogError;
use super::s3::Bucket;
use super::table::Columns;
use mockfleet_config::Store;

/// What became of one device's messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The device's id.
    pub device: String,
    /// How many messages it sent.
    pub messages: u64,
    /// How many were confirmed.
    pub acked: u64,
    /// From sent to confirmed, on average, in milliseconds.
    pub latency_ms: Option<f64>,
    /// What it last reported about itself.
    pub status: Option<String>,
}

#[derive(Debug, Default)]
struct Tally {
    messages: u64,
    acked: u64,
    latency_us: i64,
    confirmed: u32,
    status: Option<(i64, String)>,
}

/// Reads what became of the messages of a run's first devices.
///
/// # Errors
/// Which file cannot be read, and why.
pub fn read(store: &Store, run: &str, limit: usize) -> Result<Vec<Row>, LogError> {
    let mut tallies = BTreeMap::new();
    match store {
        Store::Folder(folder) => {
            for file in files(&folder.join("sends"), run)? {
                let shown = file.display().to_string();
                let open = std::fs::File::open(&file).map_err(|error| wrong(&shown, error))?;
                add(open, &mut tallies).map_err(|error| wrong(&shown, error))?;
            }
        }
        Store::S3 { bucket, prefix } => {
            let shown = super::location(store);
            let bucket = Bucket::open(bucket, prefix).map_err(|why| wrong(&shown, why))?;
            for key in bucket
                .list("sends", run)
                .map_err(|why| wrong(&shown, why))?
            {
                let bytes = bucket.get(&key).map_err(|why| wrong(key.as_ref(), why))?;
                add(bytes, &mut tallies).map_err(|error| wrong(key.as_ref(), error))?;
            }
        }
    }
    Ok(tallies
        .into_iter()
        .take(limit)
        .map(|(device, tally)| row(device, tally))
        .collect())
}

fn wrong(file: &str, why: impl std::fmt::Display) -> LogError {
    LogError::Read {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

/// The run's files below a table's folder, two levels down.
fn files(folder: &Path, run: &str) -> Result<Vec<PathBuf>, LogError> {
    let mut level = vec![folder.to_owned()];
    for _ in 0..3 {
        let mut next = Vec::new();
        for folder in level {
            let entries = std::fs::read_dir(&folder)
                .map_err(|error| wrong(&folder.display().to_string(), error))?;
            next.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
        level = next;
    }
    let of_run = |path: &PathBuf| {
        path.extension().is_some_and(|kind| kind == "parquet")
            && path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().contains(run))
    };
    level.retain(of_run);
    level.sort();
    Ok(level)
}

type Failed = Box<dyn std::error::Error>;

fn add(
    file: impl ChunkReader + 'static,
    tallies: &mut BTreeMap<String, Tally>,
) -> Result<(), Failed> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let needed = ["device_id", "seq", "outcome", "device_status", "latency_us"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), needed);
    for batch in builder.with_projection(mask).build()? {
        add_batch(&batch?, tallies).ok_or("a column is missing or has another type")?;
    }
    Ok(())
}

fn add_batch(batch: &RecordBatch, tallies: &mut BTreeMap<String, Tally>) -> Option<()> {
    let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let (devices, outcomes, statuses) =
        (text("device_id")?, text("outcome")?, text("device_status")?);
    let (seqs, latencies) = (number("seq")?, number("latency_us")?);
    for place in 0..batch.num_rows() {
        let device = devices.value(place);
        if !tallies.contains_key(device) {
            tallies.insert(device.to_owned(), Tally::default());
        }
        let tally = tallies.get_mut(device)?;
        tally.messages += 1;
        tally.acked += u64::from(outcomes.value(place) == "acked");
        if latencies.is_valid(place) {
            tally.latency_us += latencies.value(place);
            tally.confirmed += 1;
        }
        let newer = tally
            .status
            .as_ref()
            .is_none_or(|(seq, _)| *seq < seqs.value(place));
        if statuses.is_valid(place) && newer {
            tally.status = Some((seqs.value(place), statuses.value(place).to_owned()));
        }
    }
    Some(())
}

fn row(device: String, tally: Tally) -> Row {
    // Exact up to 104 days of added latency (2^53 µs would be 285 years).
    let sum = f64::from(u32::try_from(tally.latency_us / 1000).unwrap_or(u32::MAX))
        + f64::from(i32::try_from(tally.latency_us % 1000).unwrap_or(0)) / 1000.0;
    let latency_ms =
        (tally.confirmed > 0).then(|| (sum / f64::from(tally.confirmed) * 100.0).round() / 100.0);
    Row {
        device,
        messages: tally.messages,
        acked: tally.acked,
        latency_ms,
        status: tally.status.map(|(_, status)| status),
    }
}

/// The rows as a table with a head.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut columns = Columns::new(["device_id", "messages", "acked", "latency_ms", "status"]);
    for row in rows {
        columns.row([
            row.device.clone(),
            row.messages.to_string(),
            row.acked.to_string(),
            row.latency_ms
                .map_or_else(|| "NULL".into(), |ms| ms.to_string()),
            row.status.clone().unwrap_or_else(|| "NULL".into()),
        ]);
    }
    columns.shown()
}
