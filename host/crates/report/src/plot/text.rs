//! Draws a plot in a terminal of 80 columns.

use std::fmt::Write as _;

use mockfleet_files::foreign_text::for_line;

use crate::axis::{Scale, marks, times};
use crate::plot::canvas::{COLUMNS, ROWS, column_of, inked, row_of, rows};
use crate::plot::lines::{Line, MAX_LINES, Place, Plot, share};

/// Labels at the right end of lines, if there are several.
const LETTERS: [&str; MAX_LINES] = ["a", "b", "c", "d", "e", "f"];

/// Characters by which the last label of the time axis may exceed the drawing.
const BEYOND: usize = 3;

/// Renders the plot as lines of text, in colours for several lines.
#[must_use]
pub fn terminal(plot: &Plot, coloured: bool) -> String {
    let scale = plot.scale();
    let several = plot.lines.len() > 1;
    let coloured = coloured && several;
    // Each character is two dots wide.
    let places: Vec<Vec<Place>> = plot
        .lines
        .iter()
        .map(|line| plot.places(line, &scale, usize::from(COLUMNS) * 2))
        .collect();
    let (labels, width) = labels(&scale);
    let ends = if several {
        ends(&places, coloured)
    } else {
        Vec::new()
    };
    let mut text = format!("{}\n", for_line(&plot.title));
    for (number, row) in rows(&places, coloured).iter().enumerate() {
        let (label, tick) = match labels.get(number).and_then(Option::as_ref) {
            Some(label) => (label.as_str(), '┤'),
            None => ("", '│'),
        };
        let end = ends.get(number).map_or("", String::as_str);
        let _ = writeln!(text, "{label:>width$} {tick}{row}{end}");
    }
    text.push_str(&time_axis(plot.length(), width));
    text.push_str(&figures(&plot.lines, coloured));
    text
}

/// Returns the labels of the rows with a tick, and their width.
fn labels(scale: &Scale) -> (Vec<Option<String>>, usize) {
    let mut labels = vec![None; usize::from(ROWS)];
    let marks = marks(&scale.ticks);
    let width = marks.iter().map(|mark| mark.chars().count()).max();
    for (tick, mark) in scale.ticks.iter().zip(marks) {
        if let Some(label) = labels.get_mut(row_of(scale.place(*tick))) {
            *label = Some(mark);
        }
    }
    (labels, width.unwrap_or(0))
}

/// Returns the letters of the lines that end in each row.
fn ends(places: &[Vec<Place>], coloured: bool) -> Vec<String> {
    let mut ends = vec![String::new(); usize::from(ROWS)];
    for (number, (line, letter)) in places.iter().zip(LETTERS).enumerate() {
        let last = line.last().map(|(_, height)| row_of(*height));
        if let Some(end) = last.and_then(|row| ends.get_mut(row)) {
            end.push_str(&inked(letter, number, coloured));
        }
    }
    ends
}

/// Draws the time axis, with the labels that fit.
fn time_axis(length: i64, width: usize) -> String {
    let columns = usize::from(COLUMNS);
    let mut axis = vec!['─'; columns];
    let mut words = String::new();
    for (at, mark) in times(length) {
        let whole = u64::try_from(length).unwrap_or(1);
        let column = column_of(share(u64::try_from(at).unwrap_or(0), whole));
        if let Some(place) = axis.get_mut(column) {
            *place = '┬';
        }
        let begins = column.saturating_sub(mark.chars().count() / 2);
        let used = words.chars().count();
        let fits = begins + mark.chars().count() <= columns + BEYOND;
        if fits && (used == 0 || used + 2 <= begins) {
            words.extend(std::iter::repeat_n(' ', begins - used));
            words.push_str(&mark);
        }
    }
    let axis: String = axis.into_iter().collect();
    let gap = " ".repeat(width);
    format!("{gap} └{axis}\n{gap}  {words}\n")
}

/// Formats each line's smallest, largest and last value, as a table for several lines.
fn figures(lines: &[Line], coloured: bool) -> String {
    if let [line] = lines {
        let [least, most, last] = line.figures();
        return format!("min {least}  max {most}  last {last}");
    }
    let rows: Vec<[String; 4]> = lines
        .iter()
        .map(|line| {
            let [least, most, last] = line.figures();
            [for_line(&line.name).into_owned(), least, most, last]
        })
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let [name, least, most, last] = [0, 1, 2, 3].map(width);
    let rows = rows.iter().zip(LETTERS).enumerate();
    let rows = rows.map(|(number, ([n, l, m, e], letter))| {
        let letter = inked(letter, number, coloured);
        format!("{letter} {n:name$}  min {l:>least$}  max {m:>most$}  last {e:>last$}")
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::lines::tests::plot;

    #[test]
    fn a_plot_has_marks_on_both_axes_and_fits_80_columns() {
        let values: Vec<f64> = (0..61).map(|n| f64::from(n % 20) - 5.0).collect();
        let text = terminal(&plot(&values), true);
        assert!(text.starts_with("temperature\n"));
        for mark in ["\n15 ┤", "\n-5 ┤", "\n    0  ", "10 s", "1 min\n"] {
            assert!(text.contains(mark), "{mark}\n{text}");
        }
        assert!(text.ends_with("min -5  max 14  last -5"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn several_lines_have_letters_at_their_ends_and_below() {
        let mut plot = plot(&[1.0, 2.0]);
        let other = Line {
            name: "x-2".into(),
            points: vec![(0, 5.0), (1_000_000, 1.5)],
        };
        plot.lines.push(other);
        let text = terminal(&plot, false);
        let rows: Vec<&str> = text.lines().collect();
        assert!(rows.contains(&"b x-2  min 1.5  max 5  last 1.5"), "{text}");
        assert!(
            rows.iter()
                .any(|row| row.starts_with("2 ┤") && row.ends_with('a')),
            "{text}"
        );
        assert!(terminal(&plot, true).contains("\u{1b}[34m"));
    }

    #[test]
    fn words_of_the_time_axis_never_touch() {
        for seconds in [1, 7, 59, 61, 3_000, 5_400, 100_000, 40_000_000] {
            let axis = time_axis(seconds * 1_000_000, 4);
            let words = axis.lines().nth(1).unwrap().trim();
            assert!(
                words.chars().count() <= usize::from(COLUMNS) + BEYOND,
                "{axis}"
            );
            assert!(words.contains("  "), "{axis}");
        }
    }
}
