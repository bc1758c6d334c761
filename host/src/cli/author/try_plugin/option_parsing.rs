//! Parses options of `mockfleet try`, and collects their problems.

use mockfleet_config::{Problem, Problems, parse_duration};

/// Returns the value of an option, or adds its problem.
pub(crate) fn value_or_problem<T>(
    problems: &mut Problems,
    option: &str,
    found: Result<T, String>,
) -> Option<T> {
    found
        .map_err(|text| {
            problems.push(Problem {
                place: option.to_owned(),
                text,
            });
        })
        .ok()
}

/// Parses a time in microseconds.
pub(crate) fn micros(text: &str) -> Result<u64, String> {
    let length = parse_duration(text)?;
    Ok(u64::try_from(length.as_micros()).unwrap_or(u64::MAX / 2))
}
