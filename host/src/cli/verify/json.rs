//! What was found, for machines.

use std::time::Duration;

use serde_json::{Map, Value, json};

use mockfleet_verify::{Counts, Example, FindingCheck, FindingKind, Findings};

pub(super) fn object(findings: &Findings, bounds: &[FindingCheck], late: Duration) -> Value {
    let causes: Map<String, Value> = FindingKind::ALL
        .into_iter()
        .map(|cause| (cause.word().to_owned(), counts(findings.of(cause))))
        .collect();
    let (worst, all) = findings.worst();
    let worst: Vec<Value> = worst
        .iter()
        .map(|device| {
            let counts = FindingKind::ALL.into_iter().zip(device.counts);
            let counts: Map<String, Value> = counts
                .map(|(cause, count)| (cause.word().to_owned(), count.into()))
                .collect();
            json!({ "device": device.device, "unexplained": counts })
        })
        .collect();
    let checks: Vec<Value> = bounds
        .iter()
        .map(|bound| {
            json!({
                "check": bound.text(),
                "passed": bound.passes(findings),
                "figure": findings.of(bound.kind()).unexplained,
            })
        })
        .collect();
    json!({
        "run": findings.run,
        "received": findings.received,
        "key": findings.key,
        "notes": findings.notes,
        "sent": findings.sent,
        "devices": findings.devices,
        "rows": findings.rows,
        "matched": findings.matched,
        "late_us": u64::try_from(late.as_micros()).unwrap_or(u64::MAX),
        "late_known": findings.timed,
        "altered_known": findings.compared,
        "causes": causes,
        "worst_devices": worst,
        "devices_with_unexplained": all,
        "checks": checks,
        "passed": bounds.iter().all(|bound| bound.passes(findings)),
    })
}

fn counts(counts: &Counts) -> Value {
    let examples: Vec<Value> = counts.examples.iter().map(example).collect();
    json!({
        "found": counts.found,
        "unexplained": counts.unexplained,
        "explained": counts.explained,
        "examples": examples,
    })
}

fn example(example: &Example) -> Value {
    let at = example
        .at
        .and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
    json!({
        "device": example.device,
        "seq": example.seq,
        "at": at.map(|at| at.to_string()),
        "about": example.about,
        "payload": example.payload,
    })
}
