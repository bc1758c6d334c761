//! Draws lines in Braille characters, eight dots a character.

use textplots::{Chart, Plot as _, Shape};

use crate::plot::lines::{MAX_LINES, Place};

/// Size of the drawing in characters; the labels fill the rest of 80 columns.
pub(crate) const COLUMNS: u16 = 64;
pub(crate) const ROWS: u16 = 14;

/// The first Braille character, which has no dot. The others follow, a bit for each dot. Blank
/// places use it too, since in some fonts it is not as wide as a space.
const BLANK: u32 = 0x2800;

/// Colours of a terminal, one for each line: blue, yellow, green, magenta, cyan, red.
const INKS: [u8; MAX_LINES] = [34, 33, 32, 35, 36, 31];

/// Returns the rows of the drawing, from the top.
pub(crate) fn rows(lines: &[Vec<Place>], coloured: bool) -> Vec<String> {
    let layers: Vec<Vec<Vec<u32>>> = lines.iter().map(|line| dots(line)).collect();
    let of = |layer: &Vec<Vec<u32>>, row: u16, column: u16| {
        let row = layer.get(usize::from(row))?;
        row.get(usize::from(column)).copied()
    };
    let row = |row: u16| {
        let characters = (0..COLUMNS).map(|column| {
            let mut all = 0;
            let mut ink = None;
            for (layer, number) in layers.iter().zip(INKS) {
                let dots = of(layer, row, column).unwrap_or(0);
                all |= dots;
                // The last line has precedence.
                ink = Some(number).filter(|_| dots > 0).or(ink);
            }
            let character = char::from_u32(BLANK + all).unwrap_or(' ');
            match ink.filter(|_| coloured) {
                Some(ink) => format!("\u{1b}[{ink}m{character}\u{1b}[0m"),
                None => character.to_string(),
            }
        });
        characters.collect()
    };
    (0..ROWS).map(row).collect()
}

/// Returns a text in the colour of a line.
pub(crate) fn inked(text: &str, number: usize, coloured: bool) -> String {
    match INKS.get(number).filter(|_| coloured) {
        Some(ink) => format!("\u{1b}[{ink}m{text}\u{1b}[0m"),
        None => text.to_owned(),
    }
}

/// Returns the row of a value, 0 to 1 from the bottom.
pub(crate) fn row_of(height: f64) -> usize {
    let dots = f64::from(ROWS * 4 - 1);
    whole((1.0 - height) * dots) / 4
}

/// Returns the column of a time, 0 to 1.
pub(crate) fn column_of(place: f64) -> usize {
    whole(place * f64::from(COLUMNS * 2 - 1)) / 2
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "dots of a screen"
)]
fn whole(dots: f64) -> usize {
    dots.clamp(0.0, 1e4).round() as usize
}

/// Returns the dots of one line, a bit for each, by row and column.
fn dots(line: &[Place]) -> Vec<Vec<u32>> {
    #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
    let points: Vec<(f32, f32)> = line.iter().map(|(x, y)| (*x as f32, *y as f32)).collect();
    // Largest indices of dots, which count from 0.
    let (right, bottom) = (u32::from(COLUMNS) * 2 - 1, u32::from(ROWS) * 4 - 1);
    let mut chart = Chart::new_with_y_range(right, bottom, 0.0, 1.0, 0.0, 1.0);
    let (line, single) = (Shape::Lines(&points), Shape::Points(&points));
    let chart = chart.lineplot(&line).lineplot(&single);
    chart.figures();
    let bits = |c: char| u32::from(c).saturating_sub(BLANK);
    chart
        .frame()
        .lines()
        .map(|row| row.chars().map(bits).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_has_its_size_and_its_corners() {
        let rows = rows(&[vec![(0.0, 0.0), (1.0, 1.0)]], false);
        assert_eq!(rows.len(), usize::from(ROWS));
        for row in &rows {
            assert_eq!(row.chars().count(), usize::from(COLUMNS));
        }
        assert_ne!(rows[0].chars().last(), Some('\u{2800}'));
        assert_ne!(rows[13].chars().next(), Some('\u{2800}'));
        assert_eq!(rows[0].chars().next(), Some('\u{2800}'));
        assert_eq!((row_of(1.0), row_of(0.0)), (0, 13));
        assert_eq!((column_of(0.0), column_of(1.0)), (0, 63));
    }

    #[test]
    fn a_single_point_is_seen_and_lines_keep_their_colours() {
        let line = |height| vec![(0.5, height)];
        let drawn = rows(&[line(0.0), line(1.0)], true);
        assert!(drawn[0].contains("\u{1b}[33m") && drawn[13].contains("\u{1b}[34m"));
    }
}
