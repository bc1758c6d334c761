//! Formats counts with their nouns, for texts that people read.

/// Formats a count: `1234567` as `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a count with its noun: `1 file`, `2 files`, `1,000 copies`.
#[must_use]
pub fn plural(n: impl TryInto<u64>, noun: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    format!("{} {}", count(n), noun_for(n, noun))
}

/// Returns the noun of a count, in the singular or the plural.
#[must_use]
pub fn noun_for(n: impl TryInto<u64>, noun: &str) -> String {
    match (agree(n, "", "s"), noun.strip_suffix('y')) {
        ("", _) => noun.to_owned(),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        (ending, _) => format!("{noun}{ending}"),
    }
}

/// Formats all of something with its verb: `the 1 tick`, `all 5 ticks`.
#[must_use]
pub fn all(n: u64, noun: &str) -> String {
    format!("{} {}", agree(n, "the", "all"), plural(n, noun))
}

/// Returns the word that agrees with a count: `was` or `were`.
#[must_use]
pub fn agree<'a>(n: impl TryInto<u64>, one: &'a str, many: &'a str) -> &'a str {
    match n.try_into() {
        Ok(1) => one,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_has_separators() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(12_345_678)],
            ["0", "999", "1,000", "12,345,678"]
        );
    }

    #[test]
    fn noun_and_verb_agree_with_their_count() {
        let files = [0, 1, 2, 1_000].map(|n: u64| plural(n, "file"));
        assert_eq!(files, ["0 files", "1 file", "2 files", "1,000 files"]);
        let copies = [1_u64, 2].map(|n| plural(n, "copy"));
        assert_eq!(copies, ["1 copy", "2 copies"]);
        assert_eq!(noun_for(2_usize, "day"), "days");
        assert_eq!([1_u64, 2].map(|n| agree(n, "was", "were")), ["was", "were"]);
        assert_eq!(
            [1, 2].map(|n| all(n, "tick")),
            ["the 1 tick", "all 2 ticks"]
        );
    }
}
