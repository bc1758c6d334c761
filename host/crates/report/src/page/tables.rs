//! Renders the tables: checks, causes, channels, devices.

use std::fmt::Write as _;

use serde_json::Value;

use crate::escape::escaped;
use crate::page::format::share;
use crate::page::page_data::PageData;
use mockfleet_metrics::{agree, count, micros, plural};
use mockfleet_sendlog::Timeline;

/// Most rows that a table shows. The others are only counted.
const ROWS: usize = 30;

/// Renders a table that scrolls on a narrow page.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let is_number = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit() || c == '–');
    let class = |cell: &str| if is_number(cell) { " class=\"n\"" } else { "" };
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr>");
    for (place, name) in head.iter().enumerate() {
        let first = rows.first().and_then(|row| row.get(place));
        let class = first.map_or("", |cell| class(cell));
        let _ = write!(html, "<th{class}>{name}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let class = class(cell);
            let _ = write!(html, "<td{class}>{cell}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}

fn section(title: &str, about: &str, content: &str) -> String {
    format!("<section><h2>{title}</h2><p class=\"about\">{about}</p>{content}</section>\n")
}

/// Renders the checks.
pub(crate) fn checks(data: &PageData<'_>) -> String {
    let checks = data.noted(&["summary", "checks"]).and_then(Value::as_array);
    let Some(checks) = checks.filter(|checks| !checks.is_empty()) else {
        return String::new();
    };
    let text = |check: &Value, key: &str| {
        let text = check.get(key).and_then(Value::as_str).unwrap_or_default();
        escaped(text).into_owned()
    };
    let mut rows = Vec::new();
    let mut failed = 0;
    for check in checks {
        let held = check.get("held").and_then(Value::as_bool) == Some(true);
        failed += usize::from(!held);
        let name = text(check, "name");
        let scope = text(check, "scope");
        let scope = if name.is_empty() {
            scope
        } else {
            format!("{scope} {name}")
        };
        let mark = match held {
            true => "<span class=\"mark good\">passed</span>",
            false => "<span class=\"mark bad\">failed</span>",
        };
        rows.push(vec![
            mark.to_owned(),
            scope,
            format!("<code>{}</code>", text(check, "check")),
            // A span of its own, whatever the text of the figure begins with.
            format!("<span>{}</span>", text(check, "words")),
        ]);
    }
    let about = match failed {
        0 => "All passed.".to_owned(),
        failed => format!("{failed} of {} failed.", checks.len()),
    };
    section(
        "Checks",
        &about,
        &table(&["", "scope", "check", "figure"], &rows),
    )
}

/// Renders the causes of lost messages.
pub(crate) fn causes(timeline: &Timeline) -> String {
    let all: u64 = timeline.outcomes.iter().sum();
    let lost: u64 = timeline.outcomes.iter().skip(2).take(3).sum();
    if lost == 0 {
        return String::new();
    }
    let shown = timeline.causes.list.iter().take(ROWS);
    let mut rows: Vec<Vec<String>> = shown
        .map(|(cause, times)| {
            let (outcome, why) = cause.split_once(": ").unwrap_or((cause, ""));
            vec![
                count(*times),
                share(*times, all),
                format!(
                    "<span class=\"mark {outcome}\">{outcome}</span>",
                    outcome = escaped(outcome)
                ),
                format!("<span>{}</span>", escaped(why)),
            ]
        })
        .collect();
    let named: u64 = timeline.causes.list.iter().skip(ROWS).map(|(_, n)| n).sum();
    let rest = named + timeline.causes.others;
    if rest > 0 {
        rows.push(vec![
            count(rest),
            share(rest, all),
            String::new(),
            "other causes; the column <code>error</code> has them".into(),
        ]);
    }
    section(
        "Losses and their causes",
        &format!(
            "{} of {} did not get through.",
            count(lost),
            plural(all, "message")
        ),
        &table(&["messages", "share", "outcome", "cause"], &rows),
    )
}

/// Renders outcomes by group and channel.
pub(crate) fn channels(timeline: &Timeline) -> String {
    if timeline.channels.is_empty() {
        return String::new();
    }
    let shown = timeline.channels.iter().take(ROWS);
    let rows: Vec<Vec<String>> = shown
        .map(|((group, channel), outcomes)| {
            let [acked, sent, failed, dropped, unconfirmed, injected, written] = *outcomes;
            let all = acked + sent + failed + dropped + unconfirmed + written;
            vec![
                format!("<span>{}</span>", escaped(group)),
                format!("<span>{}</span>", escaped(channel)),
                count(all),
                share(acked + sent + written, all),
                count(acked),
                count(sent + written),
                count(failed),
                count(dropped),
                count(unconfirmed),
                count(injected),
            ]
        })
        .collect();
    let more = match timeline.channels.len().saturating_sub(ROWS) {
        0 => String::new(),
        more => format!(" {more} more are not shown."),
    };
    let head = [
        "group",
        "channel",
        "messages",
        "got through",
        "acked",
        "sent",
        "failed",
        "dropped",
        "unconfirmed",
        "by faults",
    ];
    section(
        "Groups and channels",
        &format!("Outcomes of the messages of each.{more}"),
        &table(&head, &rows),
    )
}

/// Renders the devices with the most lost or late messages.
pub(crate) fn worst(timeline: &Timeline) -> String {
    if timeline.worst.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = timeline
        .worst
        .iter()
        .map(|device| {
            vec![
                format!("<code>{}</code>", escaped(&device.id)),
                count(device.undelivered()),
                count(device.failed),
                count(device.dropped),
                count(device.unconfirmed),
                count(device.late),
                match device.latest {
                    0 => "–".into(),
                    latest => micros(latest),
                },
                count(device.missed),
                count(device.errors),
            ]
        })
        .collect();
    let head = [
        "device",
        "not through",
        "failed",
        "dropped",
        "unconfirmed",
        "late",
        "latest",
        "ticks missed",
        "calls failed",
    ];
    let about = format!(
        "{} had trouble; {} the most. Late is what left more than 50 ms after it was due.",
        plural(timeline.troubled_devices, "device"),
        agree(timeline.troubled_devices, "this had", "these had")
    );
    section("The worst devices", &about, &table(&head, &rows))
}
