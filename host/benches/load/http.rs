//! Measures HTTP with keep-alive: 100 devices flat out, from schedule to Parquet.
//!
//! The baseline is the same reqwest calls with a constant body. The same small server counts
//! both, in a window of the steady load.
//!
//! ```text
//! cargo bench -- http [--rounds 5 --seconds 12] [--short]
//! ```

use std::path::Path;

use crate::measure::{Bar, Bench, Case, Child, Fleet, Load, bare, counted, in_turn, load, option};
use serde_json::{Value, json};

pub(crate) fn main() {
    let (rounds, seconds) = (option("--rounds", 5, 1), option("--seconds", 12, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::new("http");
    let mut rates = Case::new("100 devices flat out, HTTP with keep-alive", "requests/s")
        .against(BARE)
        .counted_by("the server")
        .bar(Bar::share(0.7).stretch(0.9));
    let mut costs = Case::new("the same: processor time a request", "µs")
        .against(BARE)
        .counted_by("the server");
    for round in 0..rounds {
        let (ours, bare) = in_turn(
            round,
            || fleet(folder.path(), seconds),
            || bare_calls(seconds),
        );
        costs.add(ours.cpu, bare.cpu, json!({}));
        let details = json!({ "ours": ours.details, "baseline": bare.details });
        rates.add(ours.rate, bare.rate, details);
    }
    bench.add(&rates);
    bench.add(&costs);
    bench.finish();
}

/// The name of the baseline.
const BARE: &str = "the same reqwest calls, a constant body, no log";

fn fleet(folder: &Path, seconds: u32) -> Load {
    let mut server = Child::start("server");
    let port = server.port;
    let (ran, counts) = server.sampling(|| {
        let fleet = Fleet {
            url: format!("http://127.0.0.1:{port}"),
            channel: "path = \"/devices/{device}/telemetry\"",
            group: "count = 100\nrate = \"max\"",
            seconds,
            ..Fleet::default()
        };
        fleet.run(folder)
    });
    ran.must_match(counted(&counts));
    load(&counts, &ran.usage, seconds)
}

fn bare_calls(seconds: u32) -> Load {
    let mut server = Child::start("server");
    let arguments = [
        ("--port", server.port.into()),
        ("--seconds", seconds.into()),
    ];
    let ((printed, usage), counts) = server.sampling(|| bare("requests", &arguments));
    let answered = printed.get("answered").and_then(Value::as_u64);
    assert_eq!(answered, Some(counted(&counts)));
    load(&counts, &usage, seconds)
}
