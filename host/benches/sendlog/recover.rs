//! Measures how fast the rows of a killed process are converted to Parquet.
//!
//! A process appends rows to a log whose files do not end, and is aborted. The figure is the
//! rows a second of `mockfleet logs recover`. The baseline is arrow-rs's plain `ArrowWriter`,
//! fed from memory with some of the same rows.
//!
//! ```text
//! cargo bench -- recover [--rounds 3 --rows 10000000] [--short]
//! ```

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{Bench, Case, float, in_turn, option, rows, sendlog, watch};
use crate::sendlog::log::plain;
use mockfleet_config::KeepPayload;
use serde_json::json;

/// The rows that the plain writer encodes, at most: they lie in memory.
const PLAIN_ROWS: u32 = 1_000_000;

pub(crate) fn main() {
    let (rounds, rows) = (
        option("--rounds", 3, 1),
        option("--rows", 10_000_000, 50_000),
    );
    let mut speed = Case::new(
        "rows of a killed process, from the spool to Parquet",
        "rows/s",
    )
    .against("plain ArrowWriter with its defaults and zstd 1");
    let mut memory = Case::new("the same, its most memory", "MiB");
    let few = rows.min(PLAIN_ROWS);
    let folder = tempfile::tempdir().expect("a folder");
    spool(folder.path(), few);
    recover(folder.path());
    let batches = sendlog::batches(&folder.path().join("logs/sends"), &[]);
    for round in 0..rounds {
        let folder = tempfile::tempdir().expect("a folder");
        spool(folder.path(), rows);
        let (ours, plain) = in_turn(
            round,
            || recover(folder.path()),
            || plain(&folder.path().join("plain"), &batches).0,
        );
        let (seconds, usage) = ours;
        let recovered: usize = sendlog::rows(&folder.path().join("logs/sends"));
        assert_eq!(recovered, usize::try_from(rows).expect("64 bits"));
        let details = json!({ "seconds": seconds, "cpu_seconds": usage.cpu });
        let rate = f64::from(rows) / seconds;
        speed.add(rate, f64::from(few) / plain, details);
        memory.add_alone(float(usage.peak) / 1024.0, json!({}));
    }
    let mut bench = Bench::new("recover");
    bench.add(&speed);
    bench.add(&memory);
    bench.finish();
}

/// Leaves rows in the spool of a process that is aborted.
fn spool(folder: &Path, rows: u32) {
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["spool", "--rows", &rows.to_string()])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()
        .expect("this program");
    assert!(!status.success(), "the process was to be aborted");
}

/// Appends rows in the current folder, and aborts this process.
pub(crate) fn abort_with_spool() {
    let log = rows::open_endless(Path::new("."), KeepPayload::Full);
    rows::append_all(&log, option("--rows", 1_000, 1_000));
    // What was flushed is written within the interval of a sync.
    std::thread::sleep(Duration::from_secs(3));
    std::process::abort();
}

/// Returns the seconds of the command, and its resource usage.
fn recover(folder: &Path) -> (f64, crate::measure::Usage) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mockfleet"))
        .args(["logs", "recover", "logs"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mockfleet");
    let watch = watch(child.id());
    let status = child.wait().expect("an end");
    assert!(status.success(), "the log is recovered");
    (began.elapsed().as_secs_f64(), watch.join().expect("memory"))
}
