//! Renders the tables: checks, causes, channels, devices.

use maud::{Markup, html};
use serde_json::Value;

use crate::page::format::share;
use crate::page::page_data::PageData;
use mockfleet_metrics::{agree, count, micros, plural};
use mockfleet_sendlog::{OUTCOMES, Timeline};

/// Most rows that a table shows. The others are only counted.
const ROWS: usize = 30;

/// A cell of a table.
enum Cell {
    /// A figure, at the right of its column.
    Figure(String),
    Text(Markup),
}

impl Cell {
    fn count(n: u64) -> Self {
        Self::Figure(count(n))
    }

    fn text(text: &str) -> Self {
        Self::Text(html! { span { (text) } })
    }

    fn code(text: &str) -> Self {
        Self::Text(html! { code { (text) } })
    }

    fn is_figure(&self) -> bool {
        matches!(self, Self::Figure(_))
    }
}

/// Renders a table that scrolls on a narrow page.
fn table(head: &[&str], rows: &[Vec<Cell>]) -> Markup {
    let is_figure = |place: usize| {
        let first = rows.first().and_then(|row| row.get(place));
        first.is_some_and(Cell::is_figure)
    };
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        @for (place, name) in head.iter().enumerate() {
                            th.n[is_figure(place)] { (name) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for cell in row {
                                @match cell {
                                    Cell::Figure(figure) => td.n { (figure) },
                                    Cell::Text(text) => td { (text) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn section(title: &str, about: &str, content: &Markup) -> Markup {
    html! { section { h2 { (title) } p.about { (about) } (content) } }
}

/// Renders the checks.
pub(crate) fn checks(data: &PageData<'_>) -> Markup {
    let checks = data.noted(&["summary", "checks"]).and_then(Value::as_array);
    let Some(checks) = checks.filter(|checks| !checks.is_empty()) else {
        return html! {};
    };
    let mut rows = Vec::new();
    let mut failed = 0;
    for check in checks {
        let text = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
        let held = check.get("held").and_then(Value::as_bool) == Some(true);
        failed += usize::from(!held);
        let scope = format!("{} {}", text("scope"), text("name"));
        rows.push(vec![
            Cell::Text(match held {
                true => html! { span.mark.good { "passed" } },
                false => html! { span.mark.bad { "failed" } },
            }),
            Cell::text(scope.trim_end()),
            Cell::code(text("check")),
            Cell::text(text("words")),
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
pub(crate) fn causes(timeline: &Timeline) -> Markup {
    let all: u64 = timeline.outcomes.iter().sum();
    let lost: u64 = timeline.outcomes.iter().skip(2).take(3).sum();
    if lost == 0 {
        return html! {};
    }
    let shown = timeline.causes.list.iter().take(ROWS);
    let mut rows: Vec<Vec<Cell>> = shown
        .map(|(cause, times)| {
            let (outcome, why) = cause.split_once(": ").unwrap_or((cause, ""));
            // A class of the style sheet, for an outcome that it knows.
            let class = OUTCOMES.iter().find(|known| **known == outcome);
            vec![
                Cell::count(*times),
                Cell::Figure(share(*times, all)),
                Cell::Text(html! {
                    span class={ "mark " (class.unwrap_or(&"")) } { (outcome) }
                }),
                Cell::text(why),
            ]
        })
        .collect();
    let named: u64 = timeline.causes.list.iter().skip(ROWS).map(|(_, n)| n).sum();
    let rest = named + timeline.causes.others;
    if rest > 0 {
        rows.push(vec![
            Cell::count(rest),
            Cell::Figure(share(rest, all)),
            Cell::text(""),
            Cell::Text(html! { "other causes; the column " code { "error" } " has them" }),
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
pub(crate) fn channels(timeline: &Timeline) -> Markup {
    if timeline.channels.is_empty() {
        return html! {};
    }
    let shown = timeline.channels.iter().take(ROWS);
    let rows: Vec<Vec<Cell>> = shown
        .map(|((group, channel), outcomes)| {
            let [acked, sent, failed, dropped, unconfirmed, injected, written] = *outcomes;
            let all = acked + sent + failed + dropped + unconfirmed + written;
            vec![
                Cell::text(group),
                Cell::text(channel),
                Cell::count(all),
                Cell::Figure(share(acked + sent + written, all)),
                Cell::count(acked),
                Cell::count(sent + written),
                Cell::count(failed),
                Cell::count(dropped),
                Cell::count(unconfirmed),
                Cell::count(injected),
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
pub(crate) fn worst(timeline: &Timeline) -> Markup {
    if timeline.worst.is_empty() {
        return html! {};
    }
    let rows: Vec<Vec<Cell>> = timeline
        .worst
        .iter()
        .map(|device| {
            vec![
                Cell::code(&device.id),
                Cell::count(device.undelivered()),
                Cell::count(device.failed),
                Cell::count(device.dropped),
                Cell::count(device.unconfirmed),
                Cell::count(device.late),
                Cell::Figure(match device.latest {
                    0 => "–".into(),
                    latest => micros(latest),
                }),
                Cell::count(device.missed),
                Cell::count(device.errors),
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
