//! Assembles the page: one HTML file without dependencies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::chart::{Chart, Time};
use crate::page::appendix::appendix;
use crate::page::header::header;
use crate::page::page_data::PageData;
use crate::page::run_status::RunStatus;
use crate::page::{charts, tables};
use mockfleet_sendlog::Timeline;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Renders the page. Its texts come from logs, which can be of somebody else: the macro escapes
/// each, and the page's policy runs no script but its own.
#[must_use]
pub fn page(data: &PageData<'_>) -> String {
    let timeline = data.timeline;
    let fleet = data.text(&["fleet"]).unwrap_or("a run");
    let status = RunStatus::from_metadata(data);
    let time = charts::time(timeline);
    let all_charts = charts::charts(timeline);
    let version = env!("CARGO_PKG_VERSION");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="generator" content={ "mockfleet " (version) };
                title { (fleet) ": " (status.word()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (header(data, fleet, status))
                    (tables::checks(data))
                    h2 { "Over time" }
                    @if timeline.rows == 0 {
                        p.none { "This run has no row in its log." }
                    } @else {
                        @for chart in &all_charts { (chart.html(&time)) }
                    }
                    (charts::strips(timeline, &time))
                    (tables::causes(timeline))
                    (tables::channels(timeline))
                    (tables::worst(timeline))
                    (appendix(data))
                    footer {
                        "Made by mockfleet " (version) " on " (data.made) " from "
                        (mockfleet_metrics::plural(timeline.rows + timeline.events, "row"))
                        " of " (data.location) ". This page is one file and needs no network."
                    }
                }
                script type="application/json" id="data" { (script_data(timeline, &all_charts, &time)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Returns the policy of the page: it loads nothing, and has one style sheet and one script,
/// which are known by their digests (CSP level 2).
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// Returns the data of the script. No text in it can end the element.
fn script_data(timeline: &Timeline, charts: &[Chart], time: &Time) -> Markup {
    let data = json!({
        "width": timeline.bucket_width,
        "count": time.count,
        "charts": charts.iter().map(Chart::data).collect::<Vec<_>>(),
    });
    PreEscaped(data.to_string().replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

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
            "seed": evil,
            "devices": evil,
            "mockfleet": evil,
            "arguments": [evil],
            "groups": [{ "name": evil, "plugin": evil, "sha256": evil }],
            "ended": evil,
            "success": true,
            "file": { "name": evil, "text": evil },
            "summary": {
                "words": { "arrived": evil, "connections": evil, "schedule": evil },
                "bottleneck": { "words": evil },
                "log_error": evil,
                "checks": [
                { "scope": "group", "name": evil, "check": evil, "words": evil, "held": false },
                ],
            },
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
        timeline.worst.push(mockfleet_sendlog::WorstDevice {
            id: evil.into(),
            ..Default::default()
        });
        let html = page_of(&timeline, Some(&note));
        // The page's own data and script.
        assert_eq!(html.matches("<script").count(), 2);
        assert!(html.contains("1 of 1 failed."));
    }
}
