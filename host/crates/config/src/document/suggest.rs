//! Suggests the nearest known name for an unknown one.

/// The maximum number of known words that a word is compared with: a file can have thousands of
/// unknown words and of known ones.
const MAX_COMPARED: usize = 200;

/// The maximum length of a word that is compared, 100 bytes: the time grows with the square.
const MAX_WORD_BYTES: usize = 100;

/// The maximum number of known words in a message.
const MAX_LISTED: usize = 50;

/// Returns the way out for an unknown word: the known word that was probably meant, or all of
/// them. Of many, only the first ones are looked at.
#[must_use]
pub fn did_you_mean<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let mut right = right.peekable();
    let known: Vec<&str> = right.by_ref().take(MAX_COMPARED).collect();
    let is_short = |text: &str| text.len() <= MAX_WORD_BYTES;
    let compared = known
        .iter()
        .filter(|known| is_short(word) && is_short(known));
    let nearest = compared
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .min();
    match nearest {
        // At most a third of the letters may be wrong. Beyond that it is another word.
        Some((distance, known)) if distance * 3 <= known.chars().count().max(3) => {
            format!("; did you mean {known:?}?")
        }
        _ if known.is_empty() => "; there are none".into(),
        _ => {
            let is_all = right.peek().is_none() && known.len() <= MAX_LISTED;
            let listed: Vec<&str> = known.into_iter().take(MAX_LISTED).collect();
            let more = if is_all { "" } else { " and more" };
            format!("; there are {}{more}", listed.join(", "))
        }
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

    #[test]
    fn of_many_words_only_the_first_are_looked_at() {
        let known: Vec<String> = (0..20_000).map(|number| format!("word{number}")).collect();
        let looked_at = std::cell::Cell::new(0);
        let known = known.iter().map(|word| {
            looked_at.set(looked_at.get() + 1);
            word.as_str()
        });
        let text = super::did_you_mean("something else", known);
        assert!(text.ends_with(", word49 and more"), "{text}");
        assert!(looked_at.get() <= super::MAX_COMPARED + 1);
    }
}
