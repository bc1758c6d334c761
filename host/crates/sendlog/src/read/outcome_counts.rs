//! Counts the outcomes of each device of a run.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::file_name::FileName;
use crate::format::location::location;
use crate::format::schema::LogTable;
use crate::read::text_table::TextTable;
use crate::store::store_reader::StoreReader;

/// The outcomes of one device's messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutcomeCounts {
    /// The device's id.
    pub device: String,
    /// Number of messages of the device.
    pub messages: u64,
    /// Number of messages that were acknowledged.
    pub acked: u64,
    /// Mean time from sending to acknowledgement, in milliseconds.
    pub latency_ms: Option<f64>,
    /// The last status that the device reported.
    pub status: Option<String>,
}

#[derive(Debug, Default)]
struct Accumulator {
    messages: u64,
    acked: u64,
    latency_us: i64,
    confirmed: u32,
    status: Option<(i64, String)>,
}

/// Reads the outcome counts of a run's first `limit` devices, in the order of their ids.
///
/// # Errors
/// [`LogError::Read`] if the store or a file cannot be read.
pub fn outcome_counts(
    store: &Store,
    run: &str,
    limit: usize,
) -> Result<Vec<OutcomeCounts>, LogError> {
    let reader = StoreReader::open(store)?;
    let mut accumulators = BTreeMap::new();
    for file in reader.files(LogTable::Sends)? {
        if FileName::parse(&file.key).is_none_or(|name| name.run != run) {
            continue;
        }
        let read = reader.open_file(&file).map_err(ReadError::from);
        read.and_then(|source| add(source, &mut accumulators))
            .map_err(|source| LogError::Read {
                file: reader.display_name(&file.key),
                source,
            })?;
    }
    Ok(accumulators
        .into_iter()
        .take(limit)
        .map(|(device, accumulator)| row(device, accumulator))
        .collect())
}

fn add(
    file: impl ChunkReader + 'static,
    accumulators: &mut BTreeMap<String, Accumulator>,
) -> Result<(), ReadError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let needed = ["device_id", "seq", "outcome", "device_status", "latency_us"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), needed);
    for batch in builder.with_projection(mask).build()? {
        add_batch(&batch?, accumulators).ok_or(ReadError::Columns)?;
    }
    Ok(())
}

fn add_batch(batch: &RecordBatch, accumulators: &mut BTreeMap<String, Accumulator>) -> Option<()> {
    let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let (devices, outcomes, statuses) =
        (text("device_id")?, text("outcome")?, text("device_status")?);
    let (seqs, latencies) = (number("seq")?, number("latency_us")?);
    for place in 0..batch.num_rows() {
        let device = devices.value(place);
        if !accumulators.contains_key(device) {
            accumulators.insert(device.to_owned(), Accumulator::default());
        }
        let accumulator = accumulators.get_mut(device)?;
        accumulator.messages += 1;
        accumulator.acked += u64::from(outcomes.value(place) == "acked");
        if latencies.is_valid(place) {
            accumulator.latency_us += latencies.value(place);
            accumulator.confirmed += 1;
        }
        let newer = accumulator
            .status
            .as_ref()
            .is_none_or(|(seq, _)| *seq < seqs.value(place));
        if statuses.is_valid(place) && newer {
            accumulator.status = Some((seqs.value(place), statuses.value(place).to_owned()));
        }
    }
    Some(())
}

fn row(device: String, accumulator: Accumulator) -> OutcomeCounts {
    // Exact up to 104 days of added latency (2^53 µs would be 285 years).
    let sum = f64::from(u32::try_from(accumulator.latency_us / 1000).unwrap_or(u32::MAX))
        + f64::from(i32::try_from(accumulator.latency_us % 1000).unwrap_or(0)) / 1000.0;
    let latency_ms = (accumulator.confirmed > 0)
        .then(|| (sum / f64::from(accumulator.confirmed) * 100.0).round() / 100.0);
    OutcomeCounts {
        device,
        messages: accumulator.messages,
        acked: accumulator.acked,
        latency_ms,
        status: accumulator.status.map(|(_, status)| status),
    }
}

/// Rows of the answer to [`first_query`]: they fit below a summary.
pub const FIRST_QUERY_ROWS: usize = 5;

/// Renders the rows as a table with a head.
#[must_use]
pub fn outcome_table(rows: &[OutcomeCounts]) -> String {
    let mut columns = TextTable::new(["device_id", "messages", "acked", "latency_ms", "status"]);
    for row in rows {
        columns.push_row([
            row.device.clone(),
            row.messages.to_string(),
            row.acked.to_string(),
            row.latency_ms
                .map_or_else(|| "NULL".into(), |ms| ms.to_string()),
            row.status.clone().unwrap_or_else(|| "NULL".into()),
        ]);
    }
    columns.render()
}

/// Returns a first query of a log in DuckDB's SQL: each device's messages and outcomes.
///
/// [`outcome_counts`] returns the same rows.
#[must_use]
pub fn first_query(store: &Store, run: &str) -> String {
    let files = format!("{}/sends/*/*/*{run}*.parquet", location(store)).replace('\'', "''");
    format!(
        "SELECT device_id, count(*) AS messages, count(*) FILTER (outcome = 'acked') AS acked, \
         round(avg(latency_us) / 1000, 2) AS latency_ms, max_by(device_status, seq) AS status \
         FROM read_parquet('{files}') GROUP BY device_id ORDER BY device_id LIMIT {FIRST_QUERY_ROWS}"
    )
}
