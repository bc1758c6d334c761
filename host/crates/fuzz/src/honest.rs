//! Builds a run that shows each part of a page.
//!
//! One text is in all places of texts of others.

use std::time::Duration;

use mockfleet_metrics::{CheckResult, Counters, LogTotals, Summary};
use mockfleet_report::{Line, Plot};
use mockfleet_sendlog::{
    EVENT_KINDS, KindCounts, LatencyStats, OUTCOMES, SkippedFile, TimeBucket, Timeline, WorstDevice,
};
use serde_json::{Value, json};

/// Returns a timeline with each kind of outcome, event and loss.
pub(crate) fn timeline(text: &str) -> Timeline {
    let bucket = TimeBucket {
        due: 10,
        sent: 9,
        missed: 1,
        outcomes: [1; OUTCOMES.len()],
        latency: Some([1_000, 2_000, 3_000]),
        lag: Some([100, 200, 300]),
        events: [1; EVENT_KINDS.len()],
    };
    let stats = LatencyStats {
        count: 10,
        percentiles: [1_000, 2_000, 3_000],
        max: 4_000,
    };
    let causes = OUTCOMES.iter().map(|word| (format!("{word}: {text}"), 1));
    Timeline {
        run: text.to_owned(),
        host: text.to_owned(),
        start: 1_795_503_600_000_000,
        end: 1_795_503_604_000_000,
        bucket_width: 1_000_000,
        buckets: vec![bucket; 4],
        rows: 40,
        events: 52,
        files: 2,
        bytes: 10_000,
        outcomes: [4; OUTCOMES.len()],
        channels: [((text.to_owned(), text.to_owned()), [1; OUTCOMES.len()])].into(),
        latency: stats,
        lag: stats,
        causes: KindCounts {
            list: causes.chain([(text.to_owned(), 1)]).collect(),
            others: 3,
        },
        faults: [(text.to_owned(), vec![0, 1, 0, 2])].into(),
        worst: vec![WorstDevice {
            id: text.to_owned(),
            failed: 1,
            ..WorstDevice::default()
        }],
        troubled_devices: 2,
        skipped: vec![SkippedFile {
            file: text.to_owned(),
            bytes: 1,
            why: text.to_owned(),
        }],
    }
}

/// Returns the metadata of a run with each key that a page shows.
pub(crate) fn metadata(text: &str) -> Value {
    json!({
        "run": text,
        "host": text,
        "fleet": text,
        "seed": text,
        "devices": 5,
        "mockfleet": text,
        "command": text,
        "sends": true,
        "options": [
            { "option": format!("--set {text}"), "value": text },
            { "option": "--from", "value": text },
        ],
        "checks": [text],
        "groups": [{ "name": text, "plugin": text, "sha256": text }],
        "started": text,
        "ended": text,
        "success": true,
        "file": { "name": text, "text": text },
        "summary": {
            "words": { "arrived": text, "connections": text, "schedule": text },
            "bottleneck": { "words": text },
            "log_error": text,
            "reconnects": 3,
            "checks": [
                { "scope": text, "name": text, "check": text, "words": text, "held": false },
                { "scope": "fleet", "name": "", "check": text, "words": text, "held": true },
            ],
        },
    })
}

/// Returns metadata in each state of a run, for the shapes of their pages.
pub(crate) fn states() -> Vec<Value> {
    let with = |key: &str, value: Value| {
        let mut state = metadata("x");
        state[key] = value;
        state
    };
    vec![
        metadata("x"),
        with("ended", Value::Null),
        with("success", false.into()),
        with("interrupted", true.into()),
        with("arguments", json!(["run", "x"])),
        with("command", "replay".into()),
        with("summary", Value::Null),
        json!({}),
    ]
}

/// Returns the summary of a run with a failed and a passed check.
pub(crate) fn summary(text: &str) -> Summary {
    let check = |name: &str, held| CheckResult {
        kind: "group",
        name: name.to_owned(),
        text: text.to_owned(),
        figure: None,
        shown: text.to_owned(),
        held,
    };
    Summary {
        fleet: text.to_owned(),
        run: text.to_owned(),
        devices: 2,
        workers: 1,
        took: Duration::from_secs(4),
        ran: Duration::from_secs(4),
        connect: None,
        clock: None,
        flat_out: false,
        stages: Vec::new(),
        breakpoint: None,
        checks: vec![check(text, false), check("", true)],
        counters: Counters::default(),
        log: LogTotals {
            location: Some(text.to_owned()),
            rows: 40,
            events: 52,
            spooled: 1,
            files: 2,
            bytes: 10_000,
            lost: 0,
            requests: 0,
            pruned: 0,
            error: Some(text.to_owned()),
            query: None,
        },
    }
}

/// Returns a plot with two lines.
pub(crate) fn plot(text: &str) -> Plot {
    let line = |name: &str| Line {
        name: name.to_owned(),
        points: vec![(0, 1.0), (500, 3.0), (1_000, 2.0)],
    };
    Plot {
        title: text.to_owned(),
        lines: vec![line(text), line("b")],
        length: 1_000,
    }
}
