//! Reports problems of the settings.

use mockfleet_sdk::Problem;

/// The name that was probably meant, or all there are.
pub(crate) fn suggestion<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let right: Vec<&str> = right.collect();
    let nearest = right
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .min();
    match nearest {
        // A third of the letters may be wrong; more is another word.
        Some((distance, known)) if distance * 3 <= known.chars().count().max(3) => {
            format!("; did you mean {known:?}?")
        }
        Some(_) => format!("; there are {}", right.join(", ")),
        None => "; there are none".into(),
    }
}

/// Adds problems, each seen from `path`.
pub(crate) fn extend_within(path: &str, found: Vec<Problem>, problems: &mut Vec<Problem>) {
    problems.extend(found.into_iter().map(|problem| problem.within(path)));
}
