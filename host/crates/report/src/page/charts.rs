//! Selects the charts of a run and their series.

use maud::{Markup, html};

use crate::axis::Unit;
use crate::chart::{self, Chart, Form, Series, Time};
use crate::num::{as_f64, signed_as_f64};
use crate::page::format::outcome;
use mockfleet_sendlog::{EVENT_KINDS, Percentiles, TimeBucket, Timeline};

/// The colours of outcomes, in their order.
const INKS: [&str; 7] = [
    "acked",
    "sent",
    "failed",
    "dropped",
    "unconfirmed",
    "fault",
    "sent",
];

/// Kinds of events that have a strip, and their colours. `born` and `status` have none, since
/// every device has them.
const STRIPS: [(&str, &str); 10] = [
    ("connected", "acked"),
    ("disconnected", "dropped"),
    ("received", "sent"),
    ("missed", "failed"),
    ("failed", "failed"),
    ("stopped", "failed"),
    ("restarted", "sent"),
    ("retired", "unconfirmed"),
    ("lost", "failed"),
    ("refused", "failed"),
];

pub(crate) fn time(timeline: &Timeline) -> Time {
    let count = timeline.buckets.len();
    let mut faults: Vec<usize> = timeline
        .faults
        .values()
        .flat_map(|counts| counts.iter().enumerate())
        .filter(|(_, times)| **times > 0)
        .map(|(moment, _)| moment)
        .collect();
    faults.sort_unstable();
    faults.dedup();
    let moments = i64::try_from(count).unwrap_or(0);
    Time {
        length: timeline.bucket_width * moments,
        count,
        faults,
    }
}

pub(crate) fn charts(timeline: &Timeline) -> Vec<Chart> {
    let mut charts = vec![rates(timeline)];
    if timeline.latency.count > 0 {
        charts.push(quantiles(
            timeline,
            "latency",
            "Latency",
            "From sent to confirmed, by when messages were due",
            |slice| slice.latency,
        ));
    }
    if timeline.lag.count > 0 {
        charts.push(quantiles(
            timeline,
            "lag",
            "Lag",
            "From due to sent: how late the host was, or how long messages waited for their turn",
            |slice| slice.lag,
        ));
    }
    charts.push(outcomes(timeline));
    charts.extend(connections(timeline));
    charts
}

/// Returns the duration of a bucket in seconds. The last one may be shorter: at least half a
/// bucket, so that its rate is meaningful.
fn seconds(timeline: &Timeline, moment: usize) -> f64 {
    let width = timeline.bucket_width;
    let begins = i64::try_from(moment).unwrap_or(0).saturating_mul(width);
    let rest = (timeline.end - timeline.start).saturating_sub(begins);
    signed_as_f64(rest.clamp(width / 2, width).max(1)) / 1e6
}

fn per_second(timeline: &Timeline, figure: impl Fn(&TimeBucket) -> u64) -> Vec<Option<f64>> {
    let slices = timeline.buckets.iter().enumerate();
    slices
        .map(|(moment, slice)| Some(as_f64(figure(slice)) / seconds(timeline, moment)))
        .collect()
}

fn rates(timeline: &Timeline) -> Chart {
    let missed: u64 = timeline.buckets.iter().map(|slice| slice.missed).sum();
    let left = timeline.buckets.iter().any(|slice| slice.sent > 0);
    let mut series = vec![Series {
        name: "asked",
        ink: "asked",
        values: per_second(timeline, |slice| slice.due + slice.missed),
    }];
    if left {
        series.push(Series {
            name: "reached",
            ink: "reached",
            values: per_second(timeline, |slice| slice.sent),
        });
    }
    if missed > 0 {
        series.push(Series {
            name: "ticks missed",
            ink: "failed",
            values: per_second(timeline, |slice| slice.missed),
        });
    }
    Chart {
        id: "rate",
        title: "Rate",
        about: match left {
            true => "Messages a second: asked is the number of due messages (missed ticks included), reached is the number of sent messages.",
            false => "Messages a second that were due (missed ticks included), by the run's own clock; none left by it.",
        }
        .into(),
        unit: Unit::Rate,
        form: Form::Lines,
        series,
    }
}

fn quantiles(
    timeline: &Timeline,
    id: &'static str,
    title: &'static str,
    about: &str,
    figure: impl Fn(&TimeBucket) -> Option<Percentiles>,
) -> Chart {
    let series = [(2, "p99", "high"), (1, "p95", "mid"), (0, "p50", "low")];
    let series = series.into_iter().map(|(place, name, ink)| Series {
        name,
        ink,
        values: timeline
            .buckets
            .iter()
            .map(|slice| {
                let quantiles = figure(slice)?;
                quantiles.get(place).map(|micros| as_f64(*micros))
            })
            .collect(),
    });
    let touched = match timeline.faults.is_empty() {
        true => ".",
        false => "; messages that a fault touched are not in it.",
    };
    Chart {
        id,
        title,
        about: format!("{about}{touched}"),
        unit: Unit::Time,
        form: Form::Lines,
        series: series.collect(),
    }
}

/// Outcomes from the bottom up: losses are at the axis, where a few are visible below many
/// deliveries.
const ORDER: [usize; 7] = [2, 3, 4, 5, 6, 1, 0];

/// Returns the chart of outcomes that occurred.
fn outcomes(timeline: &Timeline) -> Chart {
    let numbers = ORDER.into_iter().filter(|number| {
        timeline
            .outcomes
            .get(*number)
            .is_some_and(|count| *count > 0)
    });
    let series = numbers.map(|number| Series {
        name: outcome(number),
        ink: INKS.get(number).copied().unwrap_or_default(),
        values: per_second(timeline, |slice| {
            slice.outcomes.get(number).copied().unwrap_or(0)
        }),
    });
    Chart {
        id: "outcomes",
        title: "Outcomes",
        about: "Outcomes of the messages that were due then, a second.".into(),
        unit: Unit::Rate,
        form: Form::Stack,
        series: series.collect(),
    }
}

/// Returns the chart of open connections, if devices have connections.
fn connections(timeline: &Timeline) -> Option<Chart> {
    let number = |kind: &str| EVENT_KINDS.iter().position(|known| *known == kind);
    let (up, down) = (number("connected")?, number("disconnected")?);
    let mut open: u64 = 0;
    let values: Vec<Option<f64>> = timeline
        .buckets
        .iter()
        .map(|slice| {
            let of = |kind: usize| slice.events.get(kind).copied().unwrap_or(0);
            open = (open + of(up)).saturating_sub(of(down));
            Some(as_f64(open))
        })
        .collect();
    let some = timeline
        .buckets
        .iter()
        .any(|slice| slice.events.get(up).is_some_and(|times| *times > 0));
    some.then(|| Chart {
        id: "connections",
        title: "Connections",
        about: "Devices whose connection was up at the end of each moment.".into(),
        unit: Unit::Count,
        form: Form::Lines,
        series: vec![Series {
            name: "up",
            ink: "reached",
            values,
        }],
    })
}

/// Renders faults and events, one strip for each kind that occurred.
pub(crate) fn strips(timeline: &Timeline, time: &Time) -> Markup {
    let mut rows: Vec<(String, &str, Vec<u64>)> = timeline
        .faults
        .iter()
        .map(|(kind, counts)| (format!("fault: {kind}"), "fault", counts.clone()))
        .collect();
    for (kind, ink) in STRIPS {
        let Some(number) = EVENT_KINDS.iter().position(|known| *known == kind) else {
            continue;
        };
        let counts: Vec<u64> = timeline
            .buckets
            .iter()
            .map(|slice| slice.events.get(number).copied().unwrap_or(0))
            .collect();
        if counts.iter().any(|count| *count > 0) {
            rows.push((kind.to_owned(), ink, counts));
        }
    }
    if rows.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Faults and events" }
            p.about {
                "Events over time; the more frequent, the darker."
                @if !timeline.faults.is_empty() {
                    " Faults are those of the fleet file: each message that one touched, and each event. They are also marked on the axes above."
                }
            }
            (chart::strips(&rows, time))
        }
    }
}
