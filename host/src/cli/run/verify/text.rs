//! Writes the findings as tables.

use std::time::Duration;

use mockfleet_files::foreign_text::for_line;
use mockfleet_metrics::{agree, count, micros, noun_for, plural};
use mockfleet_sendlog::TextTable;
use mockfleet_verify::{CheckVerdict, Example, FindingCheck, FindingKind, Findings};

/// Reasons listed for each cause; the rest is a number.
const REASONS: usize = 8;

pub(crate) fn text(findings: &Findings, bounds: &[FindingCheck], late: Duration) -> String {
    let mut parts = vec![head(findings), causes(findings, late)];
    parts.extend(explained(findings));
    parts.extend(unexplained(findings));
    parts.extend(devices(findings));
    parts.push(checks(findings, bounds));
    parts.join("\n\n")
}

fn head(findings: &Findings) -> String {
    let mut lines = vec![
        format!(
            "verify: run {}, {} of {}; {}: {}",
            findings.run,
            plural(findings.sent, "message"),
            plural(findings.devices, "device"),
            findings.received,
            plural(findings.rows, "row")
        ),
        format!(
            "{} {} received at least once, known by {}",
            plural(findings.matched, "message"),
            agree(findings.matched, "was", "were"),
            findings.key
        ),
    ];
    lines.extend(findings.notes.iter().map(|note| format!("note: {note}")));
    let lines: Vec<_> = lines.iter().map(|line| for_line(line)).collect();
    lines.join("\n")
}

/// Returns the long name of a cause.
fn words(cause: FindingKind, late: Duration) -> String {
    match cause {
        FindingKind::Late => {
            let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
            format!("late (over {})", micros(late))
        }
        FindingKind::OutOfOrder => "out of order".into(),
        FindingKind::Unknown => "unknown: not in the log".into(),
        other => other.word().into(),
    }
}

fn causes(findings: &Findings, late: Duration) -> String {
    let mut columns = TextTable::new(["cause", "found", "explained", "unexplained"]);
    for cause in FindingKind::ALL {
        let counts = findings.of(cause);
        let cells = if findings.is_known(cause) {
            [
                count(counts.found),
                count(counts.found - counts.unexplained),
                count(counts.unexplained),
            ]
        } else {
            ["cannot be told".into(), String::new(), String::new()]
        };
        let [found, explained, unexplained] = cells;
        columns.push_row([words(cause, late), found, explained, unexplained]);
    }
    columns.render()
}

fn explained(findings: &Findings) -> Option<String> {
    let mut columns = TextTable::new(["explained", "by", "messages"]);
    let mut any = false;
    for cause in FindingKind::ALL {
        let mut reasons: Vec<_> = findings.of(cause).explained.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let (shown, rest) = reasons.split_at_checked(REASONS).unwrap_or((&reasons, &[]));
        for (reason, times) in shown {
            any = true;
            columns.push_row([cause.word().into(), (*reason).clone(), count(**times)]);
        }
        if !rest.is_empty() {
            let times: u64 = rest.iter().map(|(_, times)| **times).sum();
            let reason = format!("{} (--json has them)", plural(rest.len(), "other reason"));
            columns.push_row([cause.word().into(), reason, count(times)]);
        }
    }
    any.then(|| columns.render())
}

fn unexplained(findings: &Findings) -> Option<String> {
    let head = [
        "unexplained",
        "device",
        "seq",
        "at (UTC)",
        "what",
        "payload",
    ];
    let mut columns = TextTable::new(head);
    let mut any = false;
    for cause in FindingKind::ALL {
        for example in &findings.of(cause).examples {
            any = true;
            columns.push_row(row(cause, example));
        }
    }
    let more: u64 = FindingKind::ALL
        .into_iter()
        .map(|cause| findings.of(cause))
        .map(|counts| counts.unexplained - u64::try_from(counts.examples.len()).unwrap_or(0))
        .sum();
    let more = match more {
        0 => String::new(),
        more => format!("\n  … and {} more", count(more)),
    };
    any.then(|| columns.render() + &more)
}

fn row(cause: FindingKind, example: &Example) -> [String; 6] {
    let at = example
        .at
        .and_then(|at| jiff::Timestamp::from_microsecond(at).ok())
        .map_or_else(String::new, |at| {
            at.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
        });
    [
        cause.word().into(),
        example.device.clone().unwrap_or_default(),
        example.seq.map(|seq| seq.to_string()).unwrap_or_default(),
        at,
        example.about.clone(),
        example.payload.clone(),
    ]
}

fn devices(findings: &Findings) -> Option<String> {
    let (worst, all) = findings.worst();
    if all < 2 {
        return None;
    }
    let [a, b, c, d, e, f] = FindingKind::ALL.map(FindingKind::word);
    let mut columns = TextTable::new(["worst devices", a, b, c, d, e, f]);
    for device in &worst {
        let [a, b, c, d, e, f] = device.counts.map(count);
        columns.push_row([device.device.clone(), a, b, c, d, e, f]);
    }
    let more = match all.checked_sub(worst.len()) {
        Some(more @ 1..) => format!("\n  … and {more} more {}", noun_for(more, "device")),
        _ => String::new(),
    };
    Some(columns.render() + &more)
}

fn checks(findings: &Findings, bounds: &[FindingCheck]) -> String {
    let lines = bounds.iter().map(|bound| {
        let figure = findings.of(bound.kind()).unexplained;
        let figure = format!("{} of {}", count(figure), count(findings.sent));
        let (verdict, figure) = match bound.verdict(findings) {
            CheckVerdict::Passed => ("passed", figure),
            CheckVerdict::Failed => ("failed", figure),
            CheckVerdict::Unknown => {
                let missing = findings.missing_options(bound.kind());
                ("not made", format!("cannot be told without {missing}"))
            }
        };
        format!("check {:<20} {verdict} ({figure})", bound.text())
    });
    lines.collect::<Vec<_>>().join("\n")
}
