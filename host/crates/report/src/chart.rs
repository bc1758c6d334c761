//! Draws charts over the time of a run, as SVG inside HTML.
//!
//! The shapes stretch with the page. The labels of axes are in drawings of their own, which do
//! not: they keep their size on a phone. No element has a `style`, which the page's policy forbids.
//!
//! The crate draws its own SVG. The crates plotters, charming and poloto write colours into
//! each shape. A page that follows the reader's light or dark mode needs classes instead.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::axis::{Scale, Unit, times};

/// Width of the drawing in its own units. The page stretches it.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;

/// A line of a chart, or a layer of a stack.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    /// Class of its colour.
    pub(crate) ink: &'static str,
    /// One value for each bucket; `None` without data.
    pub(crate) values: Vec<Option<f64>>,
}

/// The drawing of series: as lines or as a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Lines,
    /// Layers on top of each other, the first at the bottom.
    Stack,
}

/// A chart.
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// A sentence about the chart.
    pub(crate) about: String,
    pub(crate) unit: Unit,
    pub(crate) form: Form,
    pub(crate) series: Vec<Series>,
}

/// The time that all charts of a page share.
pub(crate) struct Time {
    /// Microseconds from the start of the first bucket to the end of the last one.
    pub(crate) length: i64,
    /// Number of buckets.
    pub(crate) count: usize,
    /// Buckets in which a fault was injected.
    pub(crate) faults: Vec<usize>,
}

impl Time {
    #[expect(clippy::cast_precision_loss, reason = "some hundred moments")]
    fn x(&self, moment: usize) -> f64 {
        WIDTH * moment as f64 / self.count.max(1) as f64
    }
}

impl Chart {
    /// Renders the chart as a figure of the page.
    pub(crate) fn html(&self, time: &Time) -> Markup {
        let layers = self.layers();
        let mut values: Vec<f64> = layers
            .iter()
            .flat_map(|layer| layer.iter().flatten().map(|(_, top)| *top))
            .collect();
        let scale = Scale::for_values(&mut values, self.unit == Unit::Time);
        let draw = |layer: &[Option<(f64, f64)>]| match self.form {
            Form::Lines => ("line", line(layer, time, &scale)),
            Form::Stack => ("area", area(layer, time, &scale)),
        };
        html! {
            figure.chart id=(self.id) {
                figcaption {
                    h3 { (self.title) }
                    p {
                        (self.about)
                        @if scale.is_by_tens() { " The axis goes by powers of ten." }
                    }
                    (self.legend())
                }
                div.plot {
                    svg.drawing viewBox=(view_box(HEIGHT)) preserveAspectRatio="none" role="img" aria-label=(self.title) {
                        @for tick in &scale.ticks {
                            path.grid d=(format!("M0 {:.1}H{WIDTH}", y(&scale, *tick))) {}
                        }
                        @for (series, layer) in self.series.iter().zip(&layers) {
                            @let (kind, path) = draw(layer);
                            path class={ (kind) " " (series.ink) } d=(path) {}
                        }
                    }
                    (self.value_labels(&scale))
                    i.cursor {}
                    (fault_marks(time))
                    (time_labels(time))
                }
            }
        }
    }

    /// Returns the data with which the script shows values under the pointer.
    pub(crate) fn data(&self) -> serde_json::Value {
        let series: Vec<Vec<Option<f64>>> = self
            .series
            .iter()
            .map(|series| {
                let rounded =
                    |value: &Option<f64>| value.map(|value| (value * 10.0).round() / 10.0);
                series.values.iter().map(rounded).collect()
            })
            .collect();
        serde_json::json!({ "id": self.id, "unit": self.unit.word(), "series": series })
    }

    /// Returns the bottom and the top of each series in each bucket.
    fn layers(&self) -> Vec<Vec<Option<(f64, f64)>>> {
        let mut below: Vec<f64> = Vec::new();
        self.series
            .iter()
            .map(|series| {
                below.resize(series.values.len(), 0.0);
                let values = series.values.iter().zip(&mut below);
                values
                    .map(|(value, below)| match self.form {
                        Form::Lines => value.map(|value| (0.0, value)),
                        Form::Stack => {
                            let bottom = *below;
                            *below += value.unwrap_or(0.0);
                            Some((bottom, *below))
                        }
                    })
                    .collect()
            })
            .collect()
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for series in &self.series {
                    li { i class={ "key " (series.ink) } {} (series.name) " " b {} }
                }
                li.when {}
            }
        }
    }

    fn value_labels(&self, scale: &Scale) -> Markup {
        html! {
            svg.ys {
                @for tick in &scale.ticks {
                    @let y = (1.0 - scale.place(*tick)) * 100.0;
                    text x="100%" y=(format!("{y:.2}%")) { (self.unit.shown(*tick)) }
                }
            }
        }
    }
}

fn view_box(height: f64) -> String {
    format!("0 0 {WIDTH} {height}")
}

fn y(scale: &Scale, value: f64) -> f64 {
    HEIGHT * (1.0 - scale.place(value))
}

/// Draws each bucket as a level, joined to the next one if that has a value.
fn line(layer: &[Option<(f64, f64)>], time: &Time, scale: &Scale) -> String {
    let mut path = String::new();
    let mut open = false;
    for (moment, value) in layer.iter().enumerate() {
        let Some((_, top)) = value else {
            open = false;
            continue;
        };
        let top = y(scale, *top);
        let _ = match open {
            false => write!(path, "M{:.1} {top:.1}", time.x(moment)),
            true => write!(path, "V{top:.1}"),
        };
        let _ = write!(path, "H{:.1}", time.x(moment + 1));
        open = true;
    }
    path
}

/// Draws a layer: its top from left to right, and its bottom back.
fn area(layer: &[Option<(f64, f64)>], time: &Time, scale: &Scale) -> String {
    if layer.iter().flatten().all(|(bottom, top)| bottom >= top) {
        return String::new();
    }
    let mut path = String::new();
    for (moment, value) in layer.iter().enumerate() {
        let top = y(scale, value.map_or(0.0, |(_, top)| top));
        let _ = match moment {
            0 => write!(path, "M0 {top:.1}"),
            _ => write!(path, "V{top:.1}"),
        };
        let _ = write!(path, "H{:.1}", time.x(moment + 1));
    }
    for (moment, value) in layer.iter().enumerate().rev() {
        let bottom = y(scale, value.map_or(0.0, |(bottom, _)| bottom));
        let _ = write!(path, "V{bottom:.1}H{:.1}", time.x(moment));
    }
    path.push('Z');
    path
}

/// Draws the faults on the time axis.
fn fault_marks(time: &Time) -> Markup {
    let mut path = String::new();
    let width = (time.x(1)).max(1.5);
    for moment in &time.faults {
        let _ = write!(path, "M{:.1} 0h{width:.1}v10h-{width:.1}Z", time.x(*moment));
    }
    html! {
        @if !path.is_empty() {
            svg.faults viewBox=(view_box(10.0)) preserveAspectRatio="none" role="img" aria-label="injected faults" {
                path.fill.fault d=(path) {}
            }
        }
    }
}

/// Renders the ticks of the time axis; every other one is hidden on a narrow page.
fn time_labels(time: &Time) -> Markup {
    html! {
        svg.xs {
            @for (number, (at, words)) in times(time.length).into_iter().enumerate() {
                @let place = percent(at, time.length);
                // A label beyond the edge is left out.
                @if place <= 97.0 {
                    text.odd[number % 2 == 1] x=(format!("{place:.2}%")) y="13" { (words) }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place on a screen")]
fn percent(part: i64, whole: i64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// Renders a strip for each kind of event. A bucket is darker for more events.
pub(crate) fn strips(rows: &[(String, &str, Vec<u64>)], time: &Time) -> Markup {
    html! {
        div.strips {
            @for (name, ink, counts) in rows {
                div.strip {
                    span.name {
                        i class={ "key " (ink) } {}
                        (name) " "
                        b { (mockfleet_metrics::count(counts.iter().sum())) }
                    }
                    svg class=(ink) viewBox=(view_box(20.0)) preserveAspectRatio="none" role="img" aria-label=(name) {
                        (shades(counts, time))
                    }
                }
            }
            div.strip { span.name {} (time_labels(time)) }
        }
    }
}

fn shades(counts: &[u64], time: &Time) -> Markup {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    // The scale is logarithmic, so that 1 event is visible next to 1,000.
    let opacity = |count: u64| format!("{:.2}", 0.35 + 0.65 * ln(count) / ln(most));
    let width = format!("{:.1}", time.x(1).max(2.0));
    html! {
        @for (moment, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            rect x=(format!("{:.1}", time.x(moment))) width=(width) height="20" opacity=(opacity(*count)) {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a shade")]
fn ln(n: u64) -> f64 {
    (n as f64 + 1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(count: usize) -> Time {
        Time {
            length: 10_000_000,
            count,
            faults: vec![1],
        }
    }

    fn chart(form: Form, values: Vec<Vec<Option<f64>>>) -> Chart {
        let series = values.into_iter().map(|values| Series {
            name: "a",
            ink: "a",
            values,
        });
        Chart {
            id: "x",
            title: "<x>",
            about: "about & more".into(),
            unit: Unit::Rate,
            form,
            series: series.collect(),
        }
    }

    #[test]
    fn a_gap_is_a_gap_and_a_single_moment_is_seen() {
        let chart = chart(
            Form::Lines,
            vec![vec![Some(4.0), None, Some(2.0), Some(2.0)]],
        );
        let html = chart.html(&time(4)).into_string();
        assert!(
            html.contains("d=\"M0.0 0.0H250.0M500.0 100.0H750.0V100.0H1000.0\""),
            "{html}"
        );
    }

    #[test]
    fn layers_of_a_stack_stand_on_each_other() {
        let chart = chart(
            Form::Stack,
            vec![vec![Some(1.0), Some(1.0)], vec![Some(3.0), None]],
        );
        let layers = chart.layers();
        assert_eq!(layers[1], [Some((1.0, 4.0)), Some((1.0, 1.0))]);
        let html = chart.html(&time(2)).into_string();
        assert!(html.contains("&lt;x&gt;") && html.contains("about &amp; more"));
        assert!(
            !html.contains("style="),
            "the policy of the page forbids it"
        );
        assert!(html.contains("class=\"faults\""));
    }

    #[test]
    fn a_chart_of_nothing_is_drawn_too() {
        assert!(
            chart(Form::Lines, vec![Vec::new()])
                .html(&time(0))
                .into_string()
                .contains("<figure")
        );
    }
}
