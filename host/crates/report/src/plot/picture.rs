//! Draws plots as one SVG file, in the page's colours.

use std::fmt::Write as _;

use crate::axis::{marks, times};
use crate::escape::escaped;
use crate::plot::lines::{Place, Plot, share};

/// Size of the drawing and its margins, in its own units.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 26.0;
/// Distance from the legend to the lines.
const GAP: f64 = 12.0;
/// Height of a legend row, and of the time axis.
const ROW: f64 = 18.0;
const BELOW: f64 = 40.0;

const STYLE: &str = include_str!("plot.css");

/// Renders plots as a picture, one below the other.
#[must_use]
pub fn svg(plots: &[Plot]) -> String {
    let mut shapes = String::new();
    let mut y = 0.0;
    for plot in plots {
        y = figure(plot, y, &mut shapes);
    }
    let titles: Vec<&str> = plots.iter().map(|plot| plot.title.as_str()).collect();
    let title = titles.join(", ");
    let title = escaped(&title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"card\" width=\"{WIDTH}\" height=\"{y:.0}\" rx=\"10\"/>\n{shapes}</svg>\n"
    )
}

/// Draws one plot below a height, and returns the height of its end.
fn figure(plot: &Plot, from: f64, shapes: &mut String) -> f64 {
    let scale = plot.scale();
    let top = from + TOP + GAP + ROW * f64::from(u8::try_from(plot.lines.len()).unwrap_or(u8::MAX));
    let bottom = top + HEIGHT;
    let right = WIDTH - RIGHT;
    let place = |(x, y): Place| (LEFT + x * (right - LEFT), bottom - y * HEIGHT);
    let title = escaped(&plot.title);
    let _ = writeln!(
        shapes,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{:.1}\">{title}</text>",
        from + TOP
    );
    legend(plot, from + TOP, shapes);
    for (tick, mark) in scale.ticks.iter().zip(marks(&scale.ticks)) {
        let (_, y) = place((0.0, scale.place(*tick)));
        let _ = writeln!(
            shapes,
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"mark up\" x=\"{:.1}\" y=\"{:.1}\">{mark}</text>",
            LEFT - 8.0,
            y + 4.0,
        );
    }
    for (at, mark) in times(plot.length()) {
        let at = u64::try_from(at).unwrap_or(0);
        let (x, _) = place((share(at, plot.length), 0.0));
        if x <= right {
            let _ = writeln!(
                shapes,
                "<text class=\"mark over\" x=\"{x:.1}\" y=\"{:.1}\">{mark}</text>",
                bottom + 18.0,
            );
        }
    }
    for (number, line) in plot.lines.iter().enumerate() {
        let places = plot.places(line, &scale, 800);
        let path = path(&places, place);
        let name = escaped(&line.name);
        let _ = writeln!(
            shapes,
            "<path class=\"line l{number}\" d=\"{path}\"><title>{name}</title></path>"
        );
    }
    bottom + BELOW
}

/// Draws the legend: the device and the figures of each line.
fn legend(plot: &Plot, from: f64, shapes: &mut String) {
    let mut y = from;
    for (number, line) in plot.lines.iter().enumerate() {
        y += ROW;
        let [least, most, last] = line.figures();
        let name = match line.name.as_str() {
            "" => String::new(),
            name => format!("{}: ", escaped(name)),
        };
        let _ = writeln!(
            shapes,
            "<path class=\"line l{number}\" d=\"M{LEFT} {:.1}h18\"/><text x=\"{:.1}\" y=\"{:.1}\">{name}min {least}, max {most}, last {last}</text>",
            y - 4.0,
            LEFT + 26.0,
            y,
        );
    }
}

/// Draws a line through positions. A single position is a dot.
fn path(places: &[Place], place: impl Fn(Place) -> (f64, f64)) -> String {
    let mut path = String::new();
    for (number, (x, y)) in places.iter().map(|at| place(*at)).enumerate() {
        let letter = if number == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    if places.len() == 1 {
        path.push_str("h0");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::lines::Line;
    use crate::plot::lines::tests::plot;

    #[test]
    fn a_picture_has_lines_in_their_place_and_texts_stay_texts() {
        let mut plot = plot(&[10.0, 14.0, 12.0]);
        plot.title = "<x>".into();
        plot.lines.push(Line {
            name: "</svg>".into(),
            points: vec![(0, 11.0)],
        });
        let text = svg(&[plot.clone(), plot]);
        assert!(
            text.contains("d=\"M72.0 294.0L424.0 74.0L776.0 184.0\""),
            "{text}"
        );
        assert!(text.contains("d=\"M72.0 239.0h0\""), "{text}");
        assert!(text.contains("min 10, max 14, last 12"));
        assert_eq!(text.matches("</svg>").count(), 1);
        assert!(text.contains("prefers-color-scheme:dark") && !text.contains("<x>"));
    }
}
