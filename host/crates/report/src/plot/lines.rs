//! Holds plots: lines of a value over time.

use crate::axis::Scale;

/// Maximum of lines in a plot, so that they can be distinguished.
pub const MAX_LINES: usize = 6;

/// A plot of one value over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// The name of the value.
    pub title: String,
    /// One to [`MAX_LINES`] lines.
    pub lines: Vec<Line>,
    /// Length of the time axis in microseconds.
    pub length: u64,
}

/// The values of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The name of the device; empty for a single line.
    pub name: String,
    /// Microseconds since the start and the value then, in order of time; at least one point.
    pub points: Vec<(u64, f64)>,
}

/// A position on a plot, across and up, each 0 to 1.
pub(crate) type Place = (f64, f64);

impl Plot {
    pub(crate) fn scale(&self) -> Scale {
        let values = || self.lines.iter().flat_map(Line::values);
        Scale::around(
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        )
    }

    /// Returns the length of the time axis, which is positive for a single point too.
    pub(crate) fn length(&self) -> i64 {
        i64::try_from(self.length).unwrap_or(i64::MAX).max(1)
    }

    /// Returns the positions of a line, on a plot of this number of columns.
    pub(crate) fn places(&self, line: &Line, scale: &Scale, columns: usize) -> Vec<Place> {
        thinned(&line.points, self.length, columns)
            .into_iter()
            .map(|(at, value)| (share(at, self.length), scale.place(value)))
            .collect()
    }
}

impl Line {
    /// Returns the values, bounded so that the width of the axis is finite.
    fn values(&self) -> impl Iterator<Item = f64> {
        let bounded = |(_, value): &(u64, f64)| value.clamp(-1e300, 1e300);
        self.points.iter().map(bounded)
    }

    /// Formats the smallest, the largest and the last value.
    pub(crate) fn figures(&self) -> [String; 3] {
        let least = self.values().fold(f64::INFINITY, f64::min);
        let most = self.values().fold(f64::NEG_INFINITY, f64::max);
        let last = self.values().last().unwrap_or(f64::NAN);
        [least, most, last].map(figure)
    }
}

/// Formats a value with its digits, at most six decimals.
fn figure(value: f64) -> String {
    let size = value.abs();
    if size >= 1e12 || (size > 0.0 && size < 1e-6) {
        return format!("{value:e}");
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place on a screen")]
pub(crate) fn share(at: u64, length: u64) -> f64 {
    at as f64 / length.max(1) as f64
}

/// Returns a line with few points that looks the same. Each column keeps the first, the
/// lowest, the highest and the last point.
fn thinned(points: &[(u64, f64)], length: u64, columns: usize) -> Vec<(u64, f64)> {
    if points.len() <= columns.saturating_mul(4) {
        return points.to_vec();
    }
    let width = length.div_ceil(u64::try_from(columns).unwrap_or(u64::MAX).max(1));
    let column = |(at, _): &(u64, f64)| at / width.max(1);
    let mut kept = Vec::new();
    for chunk in points.chunk_by(|a, b| column(a) == column(b)) {
        let lowest = (0..chunk.len())
            .zip(chunk)
            .min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let highest = (0..chunk.len())
            .zip(chunk)
            .max_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let mut places = vec![0, chunk.len() - 1];
        places.extend(lowest.into_iter().chain(highest).map(|(place, _)| place));
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().filter_map(|place| chunk.get(place)));
    }
    kept
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plot(values: &[f64]) -> Plot {
        let points = (0..).zip(values).map(|(n, value)| (n * 1_000_000, *value));
        Plot {
            title: "temperature".into(),
            lines: vec![Line {
                name: String::new(),
                points: points.collect(),
            }],
            length: (u64::try_from(values.len()).unwrap() - 1) * 1_000_000,
        }
    }

    #[test]
    fn few_points_have_the_peaks_of_many() {
        let points: Vec<(u64, f64)> = (0..10_000)
            .map(|n| (n, if n == 5_003 { 9.0 } else { 0.0 }))
            .collect();
        let kept = thinned(&points, 9_999, 100);
        assert!(kept.len() < 500, "{}", kept.len());
        assert!(kept.contains(&(5_003, 9.0)));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert!(kept.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn figures_have_their_own_digits() {
        assert_eq!(
            plot(&[21.5, -0.0, 20.123_456_789]).lines[0].figures(),
            ["0", "21.5", "20.123457"]
        );
        assert_eq!(figure(1e20), "1e20");
        assert_eq!(figure(1200.0), "1200");
    }

    #[test]
    fn a_line_goes_from_edge_to_edge() {
        let plot = plot(&[10.0, 14.0, 12.0]);
        let scale = plot.scale();
        let places = plot.places(&plot.lines[0], &scale, 100);
        assert_eq!(places, [(0.0, 0.0), (0.5, 1.0), (1.0, 0.5)]);
    }

    #[test]
    fn one_value_is_a_plot_too() {
        let plot = plot(&[3.0]);
        let places = plot.places(&plot.lines[0], &plot.scale(), 9);
        assert_eq!((places.len(), places[0].0), (1, 0.0));
        assert!((places[0].1 - 0.5).abs() < 1e-9, "{places:?}");
    }
}
