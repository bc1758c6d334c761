//! The head of the page: which run it was, how it went in words, and its main figures.

use std::fmt::Write as _;

use serde_json::Value;

use super::axis::Unit;
use super::escape::escaped;
use super::page::Told;
use mockfleet_metrics::{count, micros};
use mockfleet_sendlog::{OUTCOMES, Timeline};

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    Failed,
    Interrupted,
    /// It has noted its start, and no end.
    NoEnd,
    /// It has noted nothing.
    NotNoted,
}

impl Verdict {
    pub(super) fn of(told: &Told<'_>) -> Self {
        let said = |key: &str| told.noted(&[key]).and_then(Value::as_bool);
        match (told.note, told.noted(&["ended"])) {
            (None, _) => Self::NotNoted,
            (Some(_), None) => Self::NoEnd,
            _ if said("success") != Some(true) => Self::Failed,
            _ if said("interrupted") == Some(true) => Self::Interrupted,
            _ => Self::Passed,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "stopped by hand",
            Self::NoEnd => "no end is noted",
            Self::NotNoted => "no verdict",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Passed => "good",
            Self::Failed => "bad",
            _ => "open",
        }
    }
}

pub(super) fn html(told: &Told<'_>, fleet: &str, verdict: Verdict) -> String {
    let survey = told.survey;
    let mut html = format!(
        "<header><div class=\"title\"><h1>{}</h1><span class=\"verdict {}\">{}</span></div>\n<p class=\"facts\">",
        escaped(fleet),
        verdict.class(),
        verdict.word(),
    );
    let mut facts = vec![moment(survey.start), length(survey.end - survey.start)];
    if let Some(devices) = told.noted(&["devices"]).and_then(Value::as_u64) {
        facts.push(format!("{} devices", count(devices)));
    }
    if let Some(seed) = told.noted(&["seed"]) {
        facts.push(format!("seed {seed}"));
    }
    facts.push(format!("run <code>{}</code>", escaped(&survey.run)));
    facts.push(format!("on {}", escaped(&survey.host)));
    html.push_str(&facts.join(" · "));
    html.push_str("</p>\n");
    html.push_str(&sentences(told, verdict));
    html.push_str(&tiles(survey));
    html.push_str("</header>\n");
    html
}

/// The questions that each run answers.
fn sentences(told: &Told<'_>, verdict: Verdict) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    match verdict {
        Verdict::NoEnd => rows.push((
            "How did it end?",
            "nobody knows: it was killed, or it still goes on, or its store could not be reached when it ended; the rows that are in the log are all here".into(),
        )),
        Verdict::NotNoted => rows.push((
            "How did it end?",
            "the log does not say: the run kept no note of itself beside its rows".into(),
        )),
        _ => {}
    }
    match told.text(&["summary", "words", "arrived"]) {
        Some(words) => rows.push(("Did everything arrive?", words.to_owned())),
        None => rows.push(("Did everything arrive?", arrived(told.survey))),
    }
    let summed = [
        (
            "Was the schedule kept?",
            &["summary", "words", "schedule"][..],
        ),
        (
            "Who was the bottleneck?",
            &["summary", "bottleneck", "words"][..],
        ),
        ("Is the log whole?", &["summary", "log_error"][..]),
    ];
    for (question, path) in summed {
        if let Some(words) = told.text(path) {
            let words = match question {
                "Is the log whole?" => format!("no: {words}"),
                _ => words.to_owned(),
            };
            rows.push((question, words));
        }
    }
    if let Some(state) = told.spooled {
        rows.push((
            "What is missing here?",
            format!("rows that are still in the spool ({state}); `mockfleet logs recover` brings them to the log, and then this can be made anew"),
        ));
    }
    if !told.survey.skipped.is_empty() {
        rows.push((
            "What could not be read?",
            format!(
                "{} files of the log; their rows are not here",
                told.survey.skipped.len()
            ),
        ));
    }
    let mut html = String::from("<dl class=\"words\">\n");
    for (question, words) in rows {
        let _ = writeln!(html, "<dt>{question}</dt><dd>{}</dd>", escaped(&words));
    }
    html.push_str("</dl>\n");
    html
}

/// From the rows, where the run has noted nothing.
fn arrived(survey: &Timeline) -> String {
    let [acked, sent, failed, dropped, unconfirmed, injected, written] = survey.outcomes;
    let all = acked + sent + failed + dropped + unconfirmed + written;
    let lost = failed + dropped + unconfirmed;
    let mut words = match (all, lost) {
        (0, _) => "there was nothing to send".to_owned(),
        (_, 0) => format!("yes: {} messages, and none was lost", count(all)),
        _ => format!(
            "no: {} of {} messages did not ({} failed, {} dropped, {} unconfirmed)",
            count(lost),
            count(all),
            count(failed),
            count(dropped),
            count(unconfirmed)
        ),
    };
    if injected > 0 {
        let _ = write!(
            words,
            "; {} more were lost to faults of the fleet file",
            count(injected)
        );
    }
    words
}

fn tiles(survey: &Timeline) -> String {
    let [acked, sent, _, _, _, injected, written] = survey.outcomes;
    let all: u64 = survey.outcomes.iter().sum::<u64>() - injected;
    let seconds = float(survey.end - survey.start) / 1e6;
    let rate = float_of(all) / seconds.max(0.001);
    let mut tiles = vec![
        (
            "messages",
            count(all),
            "that were to get through".to_owned(),
        ),
        ("a second", Unit::Rate.shown(rate), "on average".to_owned()),
        (
            "got through",
            share(acked + sent + written, all),
            match (acked, sent) {
                _ if written > 0 => format!("{} written to the log", count(written)),
                (_, 0) => format!("{} confirmed", count(acked)),
                (0, _) => format!("{} sent; nothing confirms QoS 0", count(sent)),
                _ => format!("{} confirmed, {} sent", count(acked), count(sent)),
            },
        ),
    ];
    if survey.latency.count > 0 {
        let [p50, _, p99] = survey.latency.percentiles;
        tiles.push((
            "latency p99",
            micros(p99),
            format!("p50 {}, max {}", micros(p50), micros(survey.latency.max)),
        ));
    }
    if survey.lag.count > 0 {
        let [p50, _, p99] = survey.lag.percentiles;
        tiles.push((
            "lag p99",
            micros(p99),
            format!("p50 {}, max {}", micros(p50), micros(survey.lag.max)),
        ));
    }
    if injected > 0 {
        tiles.push((
            "lost to faults",
            count(injected),
            "asked for in the fleet file".to_owned(),
        ));
    }
    let mut html = String::from("<ul class=\"tiles\">\n");
    for (name, figure, about) in tiles {
        let _ = writeln!(
            html,
            "<li><span>{name}</span><strong>{figure}</strong><small>{about}</small></li>"
        );
    }
    html.push_str("</ul>\n");
    html
}

/// A share in percent that never rounds up to all.
pub(super) fn share(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => "–".into(),
        (part, all) if part == all => "100 %".into(),
        (part, all) => {
            let share = float_of(part) * 100.0 / float_of(all);
            format!("{:.2} %", share.min(99.99))
        }
    }
}

/// When the first row was due, with its zone.
pub(super) fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// How long it was from the first to the last row.
fn length(micros: i64) -> String {
    let seconds = float(micros) / 1e6;
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        120.0..7_200.0 => format!("{:.1} min", seconds / 60.0),
        7_200.0..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
pub(super) fn float(n: i64) -> f64 {
    n as f64
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
pub(super) fn float_of(n: u64) -> f64 {
    n as f64
}

/// The names of outcomes, as people read them.
pub(super) fn outcome(number: usize) -> &'static str {
    match OUTCOMES.get(number) {
        Some(&"injected") => "lost to a fault",
        Some(word) => word,
        None => "",
    }
}
