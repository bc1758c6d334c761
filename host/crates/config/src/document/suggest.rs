//! Suggests the nearest known name for an unknown one.

/// Returns the way out for an unknown word: the known word that was probably meant, or all of
/// them.
#[must_use]
pub fn did_you_mean<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let right: Vec<&str> = right.collect();
    let nearest = right
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .min();
    match nearest {
        // At most a third of the letters may be wrong. Beyond that it is another word.
        Some((distance, known)) if distance * 3 <= known.chars().count().max(3) => {
            format!("; did you mean {known:?}?")
        }
        Some(_) => format!("; there are {}", right.join(", ")),
        None => "; there are none".into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["every", "rate", "count"];
        let suggested = |word| super::did_you_mean(word, known.into_iter());
        assert_eq!(suggested("evry"), "; did you mean \"every\"?");
        assert_eq!(suggested("interval"), "; there are every, rate, count");
        assert_eq!(super::did_you_mean("x", [].into_iter()), "; there are none");
    }
}
