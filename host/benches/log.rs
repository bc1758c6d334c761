//! The send log alone: rows a second from append to closed Parquet, spool included,
//! beside arrow-rs's plain `ArrowWriter` fed from memory with the same rows; what an
//! append costs the worker; bytes a row.
//!
//! ```text
//! cargo bench --bench log [-- --rounds 5 --rows 1000000]
//! ```
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says so")]

mod rounds;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use mockfleet::fleet::{ByteSize, KeepPayload, Log, Name, SpoolFull, Store, Template};
use mockfleet::sendlog::{
    Directory, GroupEntry, Identity, MessageRow, Outcome, OutcomeRow, RouteEntry, SendLog,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rounds::{Rounds, option};

const DEVICES: u32 = 10_000;
/// 2026-11-24T07:00:00Z
const START: i64 = 1_795_503_600_000_000;

fn main() {
    let (rounds, rows) = (option("--rounds", 5), option("--rows", 1_000_000));
    let payloads: Vec<String> = (0..10_007).map(payload).collect();
    let mut whole = Rounds::new("append to closed Parquet, spool included", "rows/s");
    let mut appended = Rounds::new("an append of message and outcome", "ns");
    let mut size = Rounds::new("188-byte JSON, zstd 1", "bytes a row");
    for _ in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let (seconds, append, bytes) = ours(folder.path(), rows, &payloads);
        let batches = read(folder.path());
        let (plain_seconds, plain_bytes) = plain(&folder.path().join("plain"), &batches);
        let per = |seconds: f64| f64::from(rows) / seconds;
        whole.add(per(seconds), per(plain_seconds));
        appended.add(
            append * 1e9 / f64::from(rows),
            copying(&payloads, rows) * 1e9 / f64::from(rows),
        );
        size.add(bytes / f64::from(rows), plain_bytes / f64::from(rows));
    }
    whole.print("plain ArrowWriter with its defaults and zstd 1");
    appended.print("copying the payload");
    size.print("plain ArrowWriter with its defaults and zstd 1");
}

/// A reading of a device, 188 bytes of JSON.
fn payload(n: u32) -> String {
    let noise = n.wrapping_mul(2_654_435_761);
    let mut text = format!(
        "{{\"device\":\"thermometer-{:05}\",\"uptime_ms\":{},\"temperature\":{}.{:02},\"humidity\":{}.{:01},\"battery\":{}.{:02},\"note\":\"",
        n % DEVICES,
        u64::from(n) * 1000,
        18 + noise % 8,
        noise / 8 % 100,
        40 + noise / 800 % 20,
        noise / 16_000 % 10,
        50 + noise / 160_000 % 50,
        noise / 13 % 100,
    );
    while text.len() < 186 {
        text.push(char::from(b'a' + u8::try_from(noise % 7).expect("small")));
    }
    text.push_str("\"}");
    text
}

fn directory() -> Directory {
    let template = |text: &str| {
        let names = [Name::Device, Name::Group, Name::Index];
        Template::parse(text, &names).expect("a template")
    };
    Directory {
        fleet: "bench".into(),
        groups: vec![GroupEntry {
            name: "thermometer".into(),
            plugin: "thermometer@0.1.0".into(),
            first: 0,
            count: DEVICES,
            device_id: template("{group}-{index:05}"),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt".into(),
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: template("site/{group}/{device}/telemetry"),
        }],
    }
}

/// Seconds from the first append to the closed log, seconds spent in appends, bytes.
fn ours(folder: &Path, rows: u32, payloads: &[String]) -> (f64, f64, f64) {
    let log = Log {
        store: Some(Store::Folder(folder.join("logs"))),
        payload: KeepPayload::Full,
        roll_size: ByteSize::new(128 << 20),
        roll_every: Duration::from_secs(60),
        sync: Duration::from_secs(1),
        spool_limit: ByteSize::new(8 << 30),
        spool_full: SpoolFull::Pause,
        keep: None,
    };
    let log = SendLog::open(&log, Identity::new(), directory()).expect("a log");
    let mut appender = log.appender();
    let began = Instant::now();
    let mut spent = Duration::ZERO;
    for n in 0..rows {
        while n % 100 == 0 && appender.is_full() {
            std::thread::yield_now();
        }
        let at = START + i64::from(n) * 100;
        let seq = u64::from(n / DEVICES);
        let device = n % DEVICES;
        let place = usize::try_from(n).expect("64 bits") % payloads.len();
        let payload = payloads.get(place).expect("a payload").as_bytes();
        let before = (n % 100 == 0).then(Instant::now);
        appender.message(&MessageRow {
            device,
            seq,
            route: 0,
            fault: None,
            status: Some("ok"),
            scheduled_at: at,
            payload,
        });
        appender.outcome(&OutcomeRow {
            device,
            seq,
            attempt: 1,
            outcome: Outcome::Acked,
            code: None,
            error: None,
            sent_at: Some(at + 150),
            acked_at: Some(at + 1_200 + i64::from(n % 97)),
        });
        // A worker's turn is about as long: what it appended goes to the spool.
        if n % 100 == 99 {
            appender.turn(Instant::now());
        }
        if let Some(before) = before {
            // One in a hundred is timed, so that the clock is not what is measured.
            spent += before.elapsed() * 100;
        }
    }
    appender.finish();
    let closed = log.close(|_| {});
    assert!(closed.error.is_none(), "a whole log");
    assert_eq!(closed.rows, u64::from(rows));
    let bytes = u32::try_from(closed.bytes).expect("a benchmark's bytes");
    (
        began.elapsed().as_secs_f64(),
        spent.as_secs_f64(),
        bytes.into(),
    )
}

/// Our rows, in memory.
fn read(folder: &Path) -> Vec<RecordBatch> {
    let mut folders = vec![folder.join("logs/sends")];
    let mut batches = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = File::open(path).expect("a file");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
            let reader = reader.with_batch_size(4096).build().expect("a reader");
            batches.extend(reader.map(|batch| batch.expect("a batch")));
        }
    }
    batches
}

/// Seconds and bytes of the plain writer.
fn plain(file: &Path, batches: &[RecordBatch]) -> (f64, f64) {
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
    (
        seconds,
        u32::try_from(bytes).expect("a benchmark's bytes").into(),
    )
}

/// Seconds for copying the payloads one behind the other.
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
