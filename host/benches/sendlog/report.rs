//! Measures the page of a large log.
//!
//! The figures are the rows a second that `mockfleet report` reads, and its largest memory.
//! The baseline is arrow-rs decoding the same columns on one thread, without using them.
//!
//! ```text
//! cargo bench -- report [--rounds 5 --rows 5000000] [--short]
//! ```

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::measure::{self, Bench, Case, Usage, in_turn, option, rows, sendlog, watch};
use mockfleet_config::KeepPayload;
use serde_json::json;

/// Columns that a report reads.
const COLUMNS: [&str; 9] = [
    "group",
    "device_id",
    "channel",
    "outcome",
    "error",
    "fault",
    "scheduled_at",
    "sent_at",
    "latency_us",
];

pub(crate) fn main() {
    let (rounds, rows) = (
        option("--rounds", 5, 2),
        option("--rows", 5_000_000, 50_000),
    );
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), rows);
    let log = folder.path().join("logs");
    let baseline = "decoding the same columns on one thread, and nothing else";
    let mut speed = Case::new("a page of a log, from start to end", "rows/s").against(baseline);
    let mut memory = Case::new("the same, its most memory", "MiB");
    for round in 0..rounds {
        let (ours, plain) = in_turn(round, || report(&log), || decode(&log.join("sends")));
        let (seconds, usage) = ours;
        let rows = f64::from(rows);
        let details = json!({ "rows": rows, "seconds": seconds, "cpu_seconds": usage.cpu });
        speed.add(rows / seconds, rows / plain, details);
        memory.add_alone(measure::float(usage.peak) / 1024.0, json!({ "rows": rows }));
    }
    let mut bench = Bench::new("report");
    bench.add(&speed);
    bench.add(&memory);
    bench.finish();
}

fn write(folder: &Path, rows: u32) {
    let log = rows::open(folder, KeepPayload::None);
    rows::append_all(&log, rows);
    let closed = log.close(|_| {});
    assert!(closed.error.is_none(), "a whole log");
}

/// Returns the seconds of the command, and its resource usage.
fn report(log: &Path) -> (f64, Usage) {
    let page = log.with_file_name("report.html");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mockfleet"))
        .arg("report")
        .arg(log)
        .arg("-o")
        .arg(page)
        .stdout(Stdio::null())
        .spawn()
        .expect("mockfleet");
    let usage = watch(child.id());
    let status = child.wait().expect("an end");
    let seconds = began.elapsed().as_secs_f64();
    assert!(status.success(), "a page");
    (seconds, usage.join().expect("memory"))
}

/// Returns the seconds for decoding the columns of all rows, a batch at a time.
fn decode(table: &Path) -> f64 {
    let began = Instant::now();
    sendlog::each(table, &COLUMNS, |batch| {
        std::hint::black_box(batch.num_rows());
    });
    began.elapsed().as_secs_f64()
}
