//! Measures the time from starting the process to its first message.
//!
//! The server counts the message. The plugin is already compiled, and the baseline is a
//! process that only connects and publishes. A further case measures the first start of all,
//! which compiles the plugin.
//!
//! ```text
//! cargo bench -- start [--rounds 15] [--short]
//! ```

use std::path::Path;
use std::process::{Command, Stdio};

use crate::measure::{Bar, Bench, Case, Child, Fleet, in_turn, now, option};
use serde_json::{Value, json};

pub(crate) fn main() {
    let rounds = option("--rounds", 15, 2);
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::new("start");
    let mut compiled = Case::new(
        "process start to first message, plugin compiled before",
        "ms",
    )
    .against("a process that connects and publishes")
    .counted_by("the server")
    .bar(Bar::at_most(150.0).stretch(50.0));
    let kept = folder.path().join("kept");
    fleet(folder.path(), &kept);
    for round in 0..rounds {
        let (ours, bare) = in_turn(round, || fleet(folder.path(), &kept), bare_process);
        compiled.add(ours, bare, Value::Null);
    }
    bench.add(&compiled);
    let mut first = Case::new(
        "process start to first message, plugin compiled on the way",
        "ms",
    )
    .counted_by("the server");
    for round in 0..rounds.min(5) {
        let empty = folder.path().join(format!("empty-{round}"));
        first.add_alone(fleet(folder.path(), &empty), json!({}));
    }
    bench.add(&first);
    bench.finish();
}

/// Returns the milliseconds of a fleet, with compiled plugins in `cache`.
fn fleet(folder: &Path, cache: &Path) -> f64 {
    let sink = Child::start("sink");
    let fleet = Fleet {
        url: format!("mqtt://127.0.0.1:{}", sink.port),
        group: "count = 1\nevery = \"1s\"\nstart = \"together\"",
        ..Fleet::default()
    };
    let file = fleet.write(folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_mockfleet"));
    command
        .arg("run")
        .arg(file)
        .env("XDG_CACHE_HOME", cache)
        .current_dir(folder);
    first_message(command, sink)
}

fn bare_process() -> f64 {
    let sink = Child::start("sink");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["bare", "once", "--port", &sink.port.to_string()]);
    first_message(command, sink)
}

/// Returns the milliseconds from now to the first message at the sink.
fn first_message(mut command: Command, mut sink: Child) -> f64 {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let started = now();
    let status = command.spawn().and_then(|mut child| child.wait());
    assert!(status.expect("a process").success(), "{command:?} failed");
    let answer = sink.ask();
    let first = answer
        .get("first")
        .and_then(Value::as_i64)
        .expect("a moment");
    assert!(first > 0, "no message came");
    (first - started) as f64 / 1e3
}
