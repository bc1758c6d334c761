//! Reports problems of the settings.

use mockfleet_sdk::Problem;

/// The end of a sentence: the nearest name, or all known names.
pub(crate) fn suggestion<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let right: Vec<&str> = right.collect();
    let nearest = right
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .min();
    match nearest {
        // Up to a third of the letters may differ; more is another word.
        Some((distance, known)) if distance * 3 <= known.chars().count().max(3) => {
            format!("; did you mean {known:?}?")
        }
        Some(_) => format!("; there are {}", right.join(", ")),
        None => "; there are none".into(),
    }
}

/// Adds problems below `path`.
pub(crate) fn extend_within(path: &str, found: Vec<Problem>, problems: &mut Vec<Problem>) {
    problems.extend(found.into_iter().map(|problem| problem.within(path)));
}
