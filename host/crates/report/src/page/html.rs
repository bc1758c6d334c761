//! Assembles the page: one HTML file without dependencies.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::chart::{Chart, Time};
use crate::escape::escaped;
use crate::page::page_data::PageData;
use crate::page::run_status::RunStatus;
use crate::page::{appendix, charts, header, tables};
use mockfleet_sendlog::Timeline;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Policy by which the page loads nothing from a network.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// Renders the page.
#[must_use]
pub fn page(data: &PageData<'_>) -> String {
    let timeline = data.timeline;
    let fleet = data.text(&["fleet"]).unwrap_or("a run");
    let verdict = RunStatus::from_metadata(data);
    let time = charts::time(timeline);
    let all_charts = charts::charts(timeline);
    let mut html = String::with_capacity(256 << 10);
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"generator\" content=\"mockfleet {version}\">\n\
         <title>{title}: {verdict}</title>\n<style>{STYLE}</style></head><body>\n<main>\n",
        version = env!("CARGO_PKG_VERSION"),
        title = escaped(fleet),
        verdict = verdict.word(),
    );
    html.push_str(&header::html(data, fleet, verdict));
    html.push_str(&tables::checks(data));
    html.push_str("<h2>Over time</h2>\n");
    match timeline.rows {
        0 => html.push_str("<p class=\"none\">This run has no row in its log.</p>\n"),
        _ => all_charts
            .iter()
            .for_each(|chart| html.push_str(&chart.html(&time))),
    }
    html.push_str(&charts::strips(timeline, &time));
    html.push_str(&tables::causes(timeline));
    html.push_str(&tables::channels(timeline));
    html.push_str(&tables::worst(timeline));
    html.push_str(&appendix::html(data));
    let _ = write!(
        html,
        "<footer>Made by mockfleet {} on {} from {} of {}. This page is one file and needs no network.</footer>\n</main>\n",
        env!("CARGO_PKG_VERSION"),
        escaped(data.made),
        mockfleet_metrics::plural(timeline.rows + timeline.events, "row"),
        escaped(data.location),
    );
    let _ = write!(
        html,
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>{SCRIPT}</script>\n</body></html>\n",
        script_data(timeline, &all_charts, &time)
    );
    html
}

/// Returns the data of the script: numbers and constant names, which cannot end the script.
fn script_data(timeline: &Timeline, charts: &[Chart], time: &Time) -> Value {
    json!({
        "width": timeline.bucket_width,
        "count": time.count,
        "charts": charts.iter().map(Chart::data).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(timeline: &Timeline, note: Option<&Value>) -> String {
        page(&PageData {
            timeline,
            note,
            location: "logs/<odd>",
            made: "2026-11-24T07:00:00Z",
            spooled: None,
        })
    }

    #[test]
    fn run_without_rows_has_a_page() {
        let html = page_of(&Timeline::default(), None);
        assert!(html.contains("This run has no row in its log."));
        assert!(html.contains("logs/&lt;odd&gt;") && !html.contains("<odd>"));
        assert!(html.contains("default-src 'none'"));
    }

    #[test]
    fn rate_and_connections_of_a_run_without_a_broker() {
        let note = json!({ "summary": { "words": {
            "connections": "10 of 10 devices never connected",
        } } });
        let timeline = Timeline {
            rows: 2_400,
            start: 0,
            end: 10_000_000,
            buckets: vec![Default::default()],
            outcomes: [0, 0, 0, 2_400, 0, 0, 0],
            ..Timeline::default()
        };
        let html = page_of(&timeline, Some(&note));
        assert!(
            html.contains("<dt>Did all connect?</dt><dd>no: 10 of 10 devices never connected</dd>")
        );
        let tile = "<li><span>a second</span><strong>0";
        assert!(
            html.contains(tile) && html.contains("got through, on average"),
            "{html}"
        );
    }

    #[test]
    fn foreign_texts_are_escaped() {
        let evil = "</script><script>alert(1)</script>";
        let note = json!({
            "fleet": evil,
            "ended": evil,
            "success": true,
            "file": { "name": evil, "text": evil },
            "summary": { "checks": [
                { "scope": "group", "name": evil, "check": evil, "words": evil, "held": false },
            ] },
        });
        let mut timeline = Timeline {
            run: evil.into(),
            host: evil.into(),
            rows: 1,
            buckets: vec![Default::default()],
            outcomes: [0, 0, 1, 0, 0, 0, 0],
            ..Timeline::default()
        };
        timeline.causes.list.push((evil.into(), 1));
        timeline.channels.insert((evil.into(), evil.into()), [1; 7]);
        timeline.faults.insert(evil.into(), vec![1]);
        let html = page_of(&timeline, Some(&note));
        // The page's own data and script.
        assert_eq!(html.matches("<script").count(), 2);
        assert!(html.contains("1 of 1 failed."));
    }
}
