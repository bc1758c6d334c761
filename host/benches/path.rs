//! Measures the whole path from schedule to Parquet, flat out.
//!
//! The baseline is a bare rumqttc loop that publishes constants over the same number of
//! connections. mosquitto counts both. A further case measures the cost of the send log: the
//! same with and without a log.
//!
//! ```text
//! cargo bench -- path [--rounds 5 --seconds 10] [--short]
//! ```
//!
//! Needs mosquitto (`apt-get install mosquitto`).

use std::path::Path;

use crate::measure::{Bar, Bench, Case, Fleet, Mosquitto, bare, float, in_turn, option};
use serde_json::{Value, json};

pub(crate) fn main() {
    let (rounds, seconds) = (option("--rounds", 5, 1), option("--seconds", 10, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Mosquitto::start(folder.path());
    let mut bench = Bench::new("path");
    for (qos, bar, stretch) in [(0, 0.5, 0.8), (1, 0.7, 0.95)] {
        let mut case = Case::new(format!("100 devices flat out, QoS {qos}"), "msg/s")
            .against("bare rumqttc loop")
            .counted_by("mosquitto")
            .bar(Bar::share(bar).stretch(stretch));
        for round in 0..rounds {
            let (ours, bare) = in_turn(
                round,
                || flat_out(&broker, folder.path(), qos, seconds, LOGGED),
                || bare_loop(&broker, qos, seconds),
            );
            case.add(
                ours.0,
                bare.0,
                json!({ "ours": ours.1, "baseline": bare.1 }),
            );
        }
        bench.add(&case);
    }
    let mut case = Case::new("QoS 0 flat out, with the send log", "msg/s")
        .against("the same without a log")
        .counted_by("mosquitto")
        .bar(Bar::share(0.8).stretch(0.9));
    for round in 0..rounds {
        let (on, off) = in_turn(
            round,
            || flat_out(&broker, folder.path(), 0, seconds, LOGGED),
            || flat_out(&broker, folder.path(), 0, seconds, UNLOGGED),
        );
        case.add(on.0, off.0, json!({ "ours": on.1, "baseline": off.1 }));
    }
    bench.add(&case);
    bench.finish();
}

const LOGGED: &str = "store = \"logs\"";
const UNLOGGED: &str = "store = \"none\"";

/// Returns messages a second of a fleet. The broker counts them, and the time is from the
/// first to the last row.
fn flat_out(broker: &Mosquitto, folder: &Path, qos: u8, seconds: u32, log: &str) -> (f64, Value) {
    let fleet = Fleet {
        url: broker.url(),
        target: &format!("qos = {qos}"),
        group: "count = 100\nrate = \"max\"",
        log,
        seconds,
        ..Fleet::default()
    };
    let (ran, counted) = broker.counting(|| fleet.run(folder));
    ran.must_match(counted);
    let took = ran.figure("/seconds");
    let details = json!({
        "counted": counted,
        "rows": ran.count("rows"),
        "seconds": took,
        "peak_kib": ran.usage.peak,
        "cpu_seconds": ran.usage.cpu,
    });
    (float(counted) / took, details)
}

/// Returns messages a second of a loop that publishes one constant payload.
fn bare_loop(broker: &Mosquitto, qos: u8, seconds: u32) -> (f64, Value) {
    let arguments = [
        ("--port", broker.port.into()),
        ("--qos", qos.into()),
        ("--seconds", seconds.into()),
    ];
    let ((printed, usage), counted) = broker.counting(|| bare("flat-out", &arguments));
    let took = printed.get("seconds").and_then(Value::as_f64);
    let took = took.expect("seconds");
    let details = json!({
        "counted": counted,
        "seconds": took,
        "peak_kib": usage.peak,
        "cpu_seconds": usage.cpu,
    });
    (float(counted) / took, details)
}
