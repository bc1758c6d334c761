//! Measures HTTP with keep-alive: 100 devices flat out, from schedule to Parquet.
//!
//! The baseline is the same reqwest calls with a constant body. The same small server counts
//! both.
//!
//! ```text
//! cargo bench -- http [--rounds 5 --seconds 10] [--short]
//! ```

use std::path::Path;

use crate::measure::{Bar, Bench, Case, Child, Fleet, bare, float, in_turn, option};
use serde_json::{Value, json};

pub(crate) fn main() {
    let (rounds, seconds) = (option("--rounds", 5, 1), option("--seconds", 10, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::new("http");
    let mut case = Case::new("100 devices flat out, HTTP with keep-alive", "requests/s")
        .against("the same reqwest calls, a constant body, no log")
        .counted_by("the server")
        .bar(Bar::share(0.7).stretch(0.9));
    for round in 0..rounds {
        let (ours, bare) = in_turn(
            round,
            || fleet(folder.path(), seconds),
            || bare_calls(seconds),
        );
        case.add(
            ours.0,
            bare.0,
            json!({ "ours": ours.1, "baseline": bare.1 }),
        );
    }
    bench.add(&case);
    bench.finish();
}

fn fleet(folder: &Path, seconds: u32) -> (f64, Value) {
    let mut server = Child::start("server");
    let fleet = Fleet {
        url: format!("http://127.0.0.1:{}", server.port),
        channel: "path = \"/devices/{device}/telemetry\"",
        group: "count = 100\nrate = \"max\"",
        seconds,
        ..Fleet::default()
    };
    let ran = fleet.run(folder);
    let counted = server.received();
    ran.must_match(counted);
    let took = ran.figure("/seconds");
    let details = json!({
        "counted": counted,
        "rows": ran.count("rows"),
        "seconds": took,
        "latency_us": ran.summary.get("latency_us"),
        "peak_kib": ran.usage.peak,
        "cpu_seconds": ran.usage.cpu,
        "server_cpu_seconds": server.cpu(),
    });
    (float(counted) / took, details)
}

fn bare_calls(seconds: u32) -> (f64, Value) {
    let mut server = Child::start("server");
    let arguments = [
        ("--port", server.port.into()),
        ("--seconds", seconds.into()),
    ];
    let (printed, usage) = bare("requests", &arguments);
    let counted = server.received();
    let took = printed.get("seconds").and_then(Value::as_f64);
    let took = took.expect("seconds");
    assert_eq!(
        printed.get("answered").and_then(Value::as_u64),
        Some(counted)
    );
    let details = json!({
        "counted": counted,
        "seconds": took,
        "peak_kib": usage.peak,
        "cpu_seconds": usage.cpu,
        "server_cpu_seconds": server.cpu(),
    });
    (float(counted) / took, details)
}
