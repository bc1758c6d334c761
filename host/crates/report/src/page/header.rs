//! Renders the header: run, verdict, answers and main figures.

use std::fmt::Write as _;

use maud::{Markup, html};
use serde_json::Value;

use crate::axis::Unit;
use crate::page::page_data::PageData;
use mockfleet_metrics::{agree, count, micros, plural};
use mockfleet_sendlog::Timeline;

use crate::num::{as_f64, signed_as_f64};
use crate::page::format::{length, share, timestamp};
use crate::page::run_status::RunStatus;

pub(crate) fn header(data: &PageData<'_>, fleet: &str, status: RunStatus) -> Markup {
    let timeline = data.timeline;
    let mut facts = vec![
        timestamp(timeline.start),
        length(timeline.end - timeline.start),
    ];
    if let Some(devices) = data.noted(&["devices"]).and_then(Value::as_u64) {
        facts.push(plural(devices, "device"));
    }
    if let Some(seed) = data.noted(&["seed"]) {
        facts.push(format!("seed {seed}"));
    }
    html! {
        header {
            div.title {
                h1 { (fleet) }
                span class={ "verdict " (status.class()) } { (status.word()) }
            }
            p.facts {
                @for fact in facts { (fact) " · " }
                "run " code { (timeline.run) } " · on " (timeline.host)
            }
            (sentences(data, status))
            (tiles(timeline))
        }
    }
}

/// Renders the answers that each run has.
fn sentences(data: &PageData<'_>, status: RunStatus) -> Markup {
    let mut rows: Vec<(&str, String)> = Vec::new();
    match status {
        RunStatus::NoEnd => rows.push((
            "How did it end?",
            "unknown: the run was killed, or is still active, or could not reach its store at the end; the page has all rows of the log".into(),
        )),
        RunStatus::NoMetadata => rows.push((
            "How did it end?",
            "unknown: the log has no metadata of the run".into(),
        )),
        _ => {}
    }
    match data.text(&["summary", "words", "arrived"]) {
        Some(words) => rows.push(("Did everything arrive?", words.to_owned())),
        None => rows.push(("Did everything arrive?", arrived(data.timeline))),
    }
    if let Some(words) = data.text(&["summary", "words", "connections"]) {
        rows.push(("Did all connect?", format!("no: {words}")));
    }
    let summed = [
        (
            "Was the schedule kept?",
            &["summary", "words", "schedule"][..],
        ),
        ("Bottleneck", &["summary", "bottleneck", "words"][..]),
        ("Is the log complete?", &["summary", "log_error"][..]),
    ];
    for (question, path) in summed {
        if let Some(words) = data.text(path) {
            let words = match question {
                "Is the log complete?" => format!("no: {words}"),
                _ => words.to_owned(),
            };
            rows.push((question, words));
        }
    }
    let reconnects = data.noted(&["summary", "reconnects"]);
    if let Some(times) = reconnects.and_then(serde_json::Value::as_u64)
        && times > 0
    {
        rows.push((
            "Reconnects",
            format!("{} of connections that were lost", count(times)),
        ));
    }
    if let Some(state) = data.spooled {
        rows.push((
            "Missing rows",
            format!("rows that are still in the spool ({state}); `mockfleet logs recover` brings them to the log, and then the report can be repeated"),
        ));
    }
    if !data.timeline.skipped.is_empty() {
        rows.push((
            "Unreadable files",
            format!(
                "{} of the log; {} rows are missing here",
                plural(data.timeline.skipped.len(), "file"),
                agree(data.timeline.skipped.len(), "its", "their")
            ),
        ));
    }
    html! {
        dl.words {
            @for (question, words) in rows { dt { (question) } dd { (words) } }
        }
    }
}

/// Derives the answer from the rows, if the run has no metadata.
fn arrived(timeline: &Timeline) -> String {
    let [acked, sent, failed, dropped, unconfirmed, injected, written] = timeline.outcomes;
    let all = acked + sent + failed + dropped + unconfirmed + written;
    let lost = failed + dropped + unconfirmed;
    let mut words = match (all, lost) {
        (0, _) => "there was nothing to send".to_owned(),
        (_, 0) if sent == 0 => format!("yes: {}, and none was lost", plural(all, "message")),
        (_, 0) => format!(
            "none of {} is known to be lost; nothing confirms {} of them (QoS 0)",
            plural(all, "message"),
            count(sent)
        ),
        _ => format!(
            "no: {} of {} did not ({} failed, {} dropped, {} unconfirmed)",
            count(lost),
            plural(all, "message"),
            count(failed),
            count(dropped),
            count(unconfirmed)
        ),
    };
    if injected > 0 {
        let _ = write!(
            words,
            "; {} more {} lost to faults of the fleet file",
            count(injected),
            agree(injected, "was", "were")
        );
    }
    words
}

fn tiles(timeline: &Timeline) -> Markup {
    let [acked, sent, _, _, _, injected, written] = timeline.outcomes;
    let all: u64 = timeline.outcomes.iter().sum::<u64>() - injected;
    let seconds = signed_as_f64(timeline.end - timeline.start) / 1e6;
    let through = acked + sent + written;
    let rate = as_f64(through) / seconds.max(0.001);
    let mut tiles = vec![
        ("messages", count(all), "to be delivered".to_owned()),
        (
            "a second",
            Unit::Rate.shown(rate),
            match through == all {
                true => "on average".to_owned(),
                false => "got through, on average".to_owned(),
            },
        ),
        (
            "got through",
            share(through, all),
            match (acked, sent) {
                _ if written > 0 => format!("{} written to the log", count(written)),
                (_, 0) => format!("{} confirmed", count(acked)),
                (0, _) => format!("{} sent; nothing confirms QoS 0", count(sent)),
                _ => format!("{} confirmed, {} sent", count(acked), count(sent)),
            },
        ),
    ];
    if timeline.latency.count > 0 {
        let [p50, _, p99] = timeline.latency.percentiles;
        tiles.push((
            "latency p99",
            micros(p99),
            format!("p50 {}, max {}", micros(p50), micros(timeline.latency.max)),
        ));
    }
    if timeline.lag.count > 0 {
        let [p50, _, p99] = timeline.lag.percentiles;
        tiles.push((
            "lag p99",
            micros(p99),
            format!("p50 {}, max {}", micros(p50), micros(timeline.lag.max)),
        ));
    }
    if injected > 0 {
        tiles.push((
            "lost to faults",
            count(injected),
            "configured in the fleet file".to_owned(),
        ));
    }
    html! {
        ul.tiles {
            @for (name, figure, about) in tiles {
                li { span { (name) } strong { (figure) } small { (about) } }
            }
        }
    }
}
