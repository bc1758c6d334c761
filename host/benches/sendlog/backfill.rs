//! Measures the rows a second of `mockfleet backfill`, without a broker.
//!
//! The baseline is the time of a bare tick and a bare encode of each row on all cores. It
//! calls the same guests in a loop, and feeds a plain `ArrowWriter` with the same rows from
//! memory.
//!
//! ```text
//! cargo bench -- backfill [--rounds 3 --hours 24] [--short]
//! ```

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use crate::measure::guests::{Guests, plugin};
use crate::measure::{Bench, Case, Fleet, float, option, sendlog};
use arrow_array::RecordBatch;
use mockfleet_plugin::{Console, Engine, Plugin};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::json;

/// Rows of the bare encode: enough for some seconds, and small enough for memory.
const ENCODED: usize = 1_000_000;

pub(crate) fn main() {
    let (rounds, hours) = (option("--rounds", 3, 1), option("--hours", 24, 1));
    let engine = Engine::new().expect("WebAssembly runs here");
    let (plugin, console) = plugin(&engine);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let fleet = Fleet {
        url: "mqtt://127.0.0.1:1".into(),
        group: "count = 1000\nevery = \"1m\"",
        ..Fleet::default()
    };
    let name = format!("backfill of {hours} h, 1,000 devices × 1/min");
    let mut case = Case::new(name, "rows/s").against("cores / (bare tick + bare encode)");
    for _ in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let ran = fleet.backfill(folder.path(), hours);
        let rows = ran.count("rows");
        assert_eq!(rows, u64::from(hours) * 60 * 1_000, "a row a tick");
        let seconds = ran.figure("/seconds");
        let mut batches = sendlog::batches(&folder.path().join("logs/sends"), &[]);
        batches.truncate(ENCODED / 4096);
        let encode = encode(&folder.path().join("plain"), &batches);
        let tick = tick(&plugin, &console);
        let ours = float(rows) / seconds;
        let bare = float(u64::try_from(cores).expect("some")) / (tick + encode);
        let details = json!({
            "rows": rows,
            "seconds": seconds,
            "peak_kib": ran.usage.peak,
            "cpu_us_a_row": ran.usage.cpu * 1e6 / float(rows),
            "bare_tick_us": tick * 1e6,
            "bare_encode_us": encode * 1e6,
            "cores": cores,
            "files": ran.count("files"),
        });
        println!("{details}");
        case.add(ours, bare, details);
    }
    let mut bench = Bench::new("backfill");
    bench.add(&case);
    bench.finish();
}

/// Returns the seconds of a tick in a cell of 64 devices.
fn tick(plugin: &Plugin, console: &Console) -> f64 {
    let ticks = u64::from(option("--ticks", 200_000, 2_000));
    let mut guests = Guests::new(plugin, console, 64);
    (0..ticks / 10).for_each(|n| guests.tick(n));
    let began = Instant::now();
    (0..ticks).for_each(|n| guests.tick(n));
    began.elapsed().as_secs_f64() / float(ticks)
}

/// Returns the seconds of encoding one of these rows.
fn encode(file: &Path, batches: &[RecordBatch]) -> f64 {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
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
    let rows = float(u64::try_from(rows).expect("64 bits"));
    began.elapsed().as_secs_f64() / rows
}
