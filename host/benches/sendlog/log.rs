//! Measures the send log alone: rows a second from append to closed Parquet.
//!
//! The spool is included. The baseline is arrow-rs's plain `ArrowWriter`, fed from memory with
//! the same rows. Further cases measure the worker's cost of an append, and the bytes a row.
//!
//! ```text
//! cargo bench -- log [--rounds 5 --rows 1000000] [--short]
//! ```

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::measure::{Bench, Case, float, in_turn, option, rows, sendlog};
use arrow_array::RecordBatch;
use mockfleet_config::KeepPayload;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

pub(crate) fn main() {
    let (rounds, rows) = (
        option("--rounds", 5, 2),
        option("--rows", 1_000_000, 20_000),
    );
    let payloads = rows::payloads();
    let plain_writer = "plain ArrowWriter with its defaults and zstd 1";
    let mut whole =
        Case::new("append to closed Parquet, spool included", "rows/s").against(plain_writer);
    let mut appended =
        Case::new("an append of message and outcome", "ns").against("copying the payload");
    let mut size = Case::new("188-byte JSON, zstd 1", "bytes a row").against(plain_writer);
    // Our rows in memory, for the plain writer.
    let folder = tempfile::tempdir().expect("a folder");
    ours(folder.path(), rows, &payloads);
    let batches = sendlog::batches(&folder.path().join("logs/sends"), &[]);
    for round in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("plain");
        let (ours, plain) = in_turn(
            round,
            || ours(folder.path(), rows, &payloads),
            || plain(&file, &batches),
        );
        let (seconds, append, bytes) = ours;
        let (plain_seconds, plain_bytes) = plain;
        let rows = f64::from(rows);
        whole.add(rows / seconds, rows / plain_seconds, Value::Null);
        let copied = copying(&payloads, rows as u32);
        appended.add(append * 1e9 / rows, copied * 1e9 / rows, Value::Null);
        size.add(bytes / rows, plain_bytes / rows, Value::Null);
    }
    let mut bench = Bench::new("log");
    for case in [&whole, &appended, &size] {
        bench.add(case);
    }
    bench.finish();
}

/// Returns seconds from the first append to the closed log, seconds spent in appends, and
/// bytes.
fn ours(folder: &Path, rows: u32, payloads: &[String]) -> (f64, f64, f64) {
    let log = rows::open(folder, KeepPayload::Full);
    let mut appender = log.appender();
    let began = Instant::now();
    let mut spent = Duration::ZERO;
    for n in 0..rows {
        while n % 100 == 0 && appender.is_full() {
            std::thread::yield_now();
        }
        let before = (n % 100 == 0).then(Instant::now);
        rows::append(&mut appender, n, payloads);
        // A flush after 100 rows, about as many as in a turn of a worker.
        if n % 100 == 99 {
            appender.flush(Instant::now());
        }
        if let Some(before) = before {
            // One append in a hundred is timed, so that reading the clock does not dominate.
            spent += before.elapsed() * 100;
        }
    }
    appender.finish();
    let closed = log.close(|_| {});
    assert!(closed.error.is_none(), "a whole log");
    assert_eq!(closed.counters.rows, u64::from(rows));
    let seconds = began.elapsed().as_secs_f64();
    (seconds, spent.as_secs_f64(), float(closed.counters.bytes))
}

/// Returns the seconds and bytes of the plain writer.
pub(super) fn plain(file: &Path, batches: &[RecordBatch]) -> (f64, f64) {
    let began = Instant::now();
    let level = ZstdLevel::try_new(1).expect("a level");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .build();
    let schema = batches.first().expect("rows").schema();
    let target = File::create(file).expect("a file");
    let mut writer = ArrowWriter::try_new(target, schema, Some(properties)).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("a batch");
    }
    writer.close().expect("a footer");
    let seconds = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(file).expect("a file").len();
    (seconds, float(bytes))
}

/// Returns the seconds for copying the payloads into one buffer.
fn copying(payloads: &[String], rows: u32) -> f64 {
    let mut bytes: Vec<u8> = Vec::with_capacity(2 << 20);
    let began = Instant::now();
    for n in 0..usize::try_from(rows).expect("64 bits") {
        if bytes.len() > 1 << 20 {
            bytes.clear();
        }
        let payload = payloads.get(n % payloads.len()).expect("a payload");
        bytes.extend_from_slice(std::hint::black_box(payload.as_bytes()));
    }
    began.elapsed().as_secs_f64()
}
