//! Writes the findings as JSON.

use std::time::Duration;

use serde_json::{Map, Value, json};

use mockfleet_verify::{CheckVerdict, Example, FindingCheck, FindingKind, Findings};

pub(crate) fn object(findings: &Findings, bounds: &[FindingCheck], late: Duration) -> Value {
    let causes: Map<String, Value> = FindingKind::ALL
        .into_iter()
        .map(|cause| (cause.word().to_owned(), counts(findings, cause)))
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
            let verdict = bound.verdict(findings);
            let figure = findings.of(bound.kind()).unexplained;
            let is_told = verdict != CheckVerdict::Unknown;
            json!({
                "check": bound.text(),
                "passed": is_told.then_some(verdict == CheckVerdict::Passed),
                "figure": is_told.then_some(figure),
            })
        })
        .collect();
    let failed = |bound: &FindingCheck| bound.verdict(findings) == CheckVerdict::Failed;
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
        "late_known": findings.is_known(FindingKind::Late),
        "altered_known": findings.is_known(FindingKind::Altered),
        "causes": causes,
        "worst_devices": worst,
        "devices_with_unexplained": all,
        "checks": checks,
        "passed": !bounds.iter().any(failed),
    })
}

fn counts(findings: &Findings, cause: FindingKind) -> Value {
    let counts = findings.of(cause);
    let examples: Vec<Value> = counts.examples.iter().map(example).collect();
    json!({
        "found": counts.found,
        "unexplained": counts.unexplained,
        "explained": counts.explained,
        "undecided": findings.undecided(cause),
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
