//! Draws charts over the time of a run, as SVG inside HTML.
//!
//! The shapes stretch with the page, and the text around them is HTML, which keeps its size on a
//! phone.
//!
//! The crate draws its own SVG. The crates plotters, charming and poloto write colours into
//! each shape. A page that follows the reader's light or dark mode needs classes instead.

use std::fmt::Write as _;

use crate::axis::{Scale, Unit, times};
use crate::escape::escaped;

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
    pub(crate) fn html(&self, time: &Time) -> String {
        let layers = self.layers();
        let mut values: Vec<f64> = layers
            .iter()
            .flat_map(|layer| layer.iter().flatten().map(|(_, top)| *top))
            .collect();
        let scale = Scale::for_values(&mut values, self.unit == Unit::Time);
        let mut shapes = String::new();
        for tick in &scale.ticks {
            let y = y(&scale, *tick);
            let _ = write!(shapes, "<path class=\"grid\" d=\"M0 {y:.1}H{WIDTH}\"/>");
        }
        for (series, layer) in self.series.iter().zip(&layers) {
            let (kind, path) = match self.form {
                Form::Lines => ("line", line(layer, time, &scale)),
                Form::Stack => ("area", area(layer, time, &scale)),
            };
            let _ = write!(
                shapes,
                "<path class=\"{kind} {}\" d=\"{path}\"/>",
                series.ink
            );
        }
        let by_tens = match scale.is_by_tens() {
            true => " The axis goes by powers of ten.",
            false => "",
        };
        format!(
            "<figure class=\"chart\" id=\"{id}\"><figcaption><h3>{title}</h3><p>{about}{by_tens}</p>{legend}</figcaption>\
             <div class=\"plot\"><div class=\"ys\">{ys}</div>\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}\">{shapes}</svg>\
             <i class=\"cursor\"></i>{marks}{xs}</div></figure>\n",
            id = self.id,
            title = escaped(self.title),
            about = escaped(&self.about),
            legend = self.legend(),
            ys = self.marks_of(&scale),
            marks = fault_marks(time),
            xs = time_marks(time),
        )
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

    fn legend(&self) -> String {
        let mut html = String::from("<ul class=\"legend\">");
        for series in &self.series {
            let _ = write!(
                html,
                "<li><i class=\"key {}\"></i>{} <b></b></li>",
                series.ink,
                escaped(series.name)
            );
        }
        html.push_str("<li class=\"when\"></li></ul>");
        html
    }

    fn marks_of(&self, scale: &Scale) -> String {
        let marks = scale.ticks.iter().map(|tick| {
            format!(
                "<span style=\"bottom:{:.2}%\">{}</span>",
                scale.place(*tick) * 100.0,
                self.unit.shown(*tick)
            )
        });
        marks.collect()
    }
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
fn fault_marks(time: &Time) -> String {
    if time.faults.is_empty() {
        return String::new();
    }
    let mut path = String::new();
    let width = (time.x(1)).max(1.5);
    for moment in &time.faults {
        let _ = write!(path, "M{:.1} 0h{width:.1}v10h-{width:.1}Z", time.x(*moment));
    }
    format!(
        "<svg class=\"faults\" viewBox=\"0 0 {WIDTH} 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"injected faults\"><path class=\"fill fault\" d=\"{path}\"/></svg>"
    )
}

/// Renders the ticks of the time axis; every other one is hidden on a narrow page.
pub(crate) fn time_marks(time: &Time) -> String {
    let mut html = String::from("<div class=\"xs\">");
    for (number, (at, words)) in times(time.length).into_iter().enumerate() {
        let place = percent(at, time.length);
        let class = match number % 2 {
            0 => "",
            _ => " class=\"odd\"",
        };
        // A label beyond the edge is left out.
        if place <= 97.0 {
            let _ = write!(
                html,
                "<span{class} style=\"left:{place:.2}%\">{words}</span>"
            );
        }
    }
    html.push_str("</div>");
    html
}

#[expect(clippy::cast_precision_loss, reason = "a place on a screen")]
fn percent(part: i64, whole: i64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// Renders a strip for each kind of event. A bucket is darker for more events.
pub(crate) fn strips(rows: &[(String, &str, Vec<u64>)], time: &Time) -> String {
    let mut html = String::from("<div class=\"strips\">");
    for (name, ink, counts) in rows {
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let mut shapes = String::new();
        for (moment, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The scale is logarithmic, so that 1 event is visible next to 1,000.
            let share = ln(*count) / ln(most);
            let _ = write!(
                shapes,
                "<rect x=\"{:.1}\" width=\"{:.1}\" height=\"20\" opacity=\"{:.2}\"/>",
                time.x(moment),
                time.x(1).max(2.0),
                0.35 + 0.65 * share,
            );
        }
        let all: u64 = counts.iter().sum();
        let _ = write!(
            html,
            "<div class=\"strip\"><span class=\"name\"><i class=\"key {ink}\"></i>{} <b>{}</b></span>\
             <svg class=\"{ink}\" viewBox=\"0 0 {WIDTH} 20\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{shapes}</svg></div>",
            escaped(name),
            mockfleet_metrics::count(all),
            escaped(name),
        );
    }
    let _ = write!(
        html,
        "<div class=\"strip\"><span class=\"name\"></span>{}</div></div>",
        time_marks(time)
    );
    html
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
        let html = chart.html(&time(4));
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
        let html = chart.html(&time(2));
        assert!(html.contains("&lt;x&gt;") && html.contains("about &amp; more"));
        assert!(html.contains("class=\"faults\""));
    }

    #[test]
    fn a_chart_of_nothing_is_drawn_too() {
        assert!(
            chart(Form::Lines, vec![Vec::new()])
                .html(&time(0))
                .contains("<figure")
        );
    }
}
