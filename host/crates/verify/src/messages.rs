//! Makes problems and lists for messages.

use mockfleet_config::{Problem, Problems};

/// Makes a problem at a place of the command line.
pub(crate) fn problem(place: &str, text: impl Into<String>) -> Problem {
    Problem {
        place: place.to_owned(),
        text: text.into(),
    }
}

pub(crate) fn single(problem: Problem) -> Problems {
    let mut problems = Problems::default();
    problems.push(problem);
    problems
}

/// Formats the first of many names, for messages.
pub(crate) fn list_some(names: &[String]) -> String {
    const FEW: usize = 12;
    let shown: Vec<&str> = names.iter().take(FEW).map(String::as_str).collect();
    match names.len().checked_sub(FEW) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}
