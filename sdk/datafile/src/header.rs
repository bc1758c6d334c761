//! Recognizes a first line that is a row instead of a header.

use crate::number::{NumberForm, number_form};
use crate::time::{TimeForm, parse_time};

/// The kind of a cell's value.
#[derive(PartialEq, Eq)]
enum Kind {
    Empty,
    Number,
    Time,
    Text,
}

impl Kind {
    fn new(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Empty;
        }
        match number_form(text) {
            NumberForm::Point(_) | NumberForm::Comma(_) | NumberForm::Typographic(..) => {
                Self::Number
            }
            _ if parse_time(text, TimeForm::default()).is_some() => Self::Time,
            _ => Self::Text,
        }
    }
}

/// Whether the first line of a CSV file has values instead of names: numbers or times, and the
/// same kinds of values as the second line.
#[must_use]
pub fn looks_like_data<S: AsRef<str>>(first: &[S], second: &[S]) -> bool {
    let kinds = |line: &[S]| -> Vec<Kind> {
        let cells = line.iter();
        cells.map(|text| Kind::new(text.as_ref())).collect()
    };
    let (first, second) = (kinds(first), kinds(second));
    let has_values = first
        .iter()
        .any(|kind| matches!(kind, Kind::Number | Kind::Time));
    let mut pairs = first.iter().zip(&second);
    let is_alike =
        |(one, other): (&Kind, &Kind)| one == other || *one == Kind::Empty || *other == Kind::Empty;
    has_values && first.len() == second.len() && pairs.all(is_alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_the_first_line_are_no_header() {
        for (first, second, expected) in [
            (
                "2026-01-01T00:00:00Z;s-1;21,5",
                "2026-01-01T00:00:10Z;s-1;21",
                true,
            ),
            ("1;2", "3;", true),
            ("time;s-1;21", "2026-01-01;s-1;21", false),
            ("time;2025;2026", "1;2;3", false),
            ("a;b", "c;d", false),
            ("1;2", "3", false),
        ] {
            let cells = |line: &'static str| line.split(';').collect::<Vec<_>>();
            let found = looks_like_data(&cells(first), &cells(second));
            assert_eq!(found, expected, "{first}");
        }
    }
}
