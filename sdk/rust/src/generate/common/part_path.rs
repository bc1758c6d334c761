//! Parses a name and the way to a part of its value.

use std::fmt;
use std::rc::Rc;

/// A name and the way to a part of its value: `place.lat`, `samples.0` or `samples[0]`, and
/// `row["a.b"]` for a name with points or brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPath {
    /// The name of the whole value.
    pub name: String,
    /// The names of members and the positions of entries, from the outside in.
    pub parts: Rc<[Rc<str>]>,
}

impl PartPath {
    /// Parses a path.
    ///
    /// # Errors
    /// A sentence about a bracket that is not closed, or that is followed by a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let begins = |at: usize| {
            let rest = text.get(at..).unwrap_or_default();
            rest.starts_with('.') || bracket(rest).is_some()
        };
        let end = text.char_indices().map(|(at, _)| at).find(|at| begins(*at));
        let (name, mut rest) = text.split_at(end.unwrap_or(text.len()));
        let mut parts: Vec<Rc<str>> = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = bracket(rest) {
                let (part, after) = inner.map_err(|()| {
                    format!(
                        "a bracket is not closed in {text:?}; write for example {name}[\"a.b\"]"
                    )
                })?;
                parts.push(part.into());
                rest = after.trim_start();
                if !(rest.is_empty() || rest.starts_with('.') || bracket(rest).is_some()) {
                    return Err(format!(
                        "{rest:?} follows a bracket in {text:?}; a point goes between them"
                    ));
                }
                continue;
            }
            let from = rest.strip_prefix('.').unwrap_or(rest);
            let begins = |at: usize| {
                let rest = from.get(at..).unwrap_or_default();
                rest.starts_with('.') || bracket(rest).is_some()
            };
            let end = from.char_indices().map(|(at, _)| at).find(|at| begins(*at));
            let (part, after) = from.split_at(end.unwrap_or(from.len()));
            parts.push(part.trim().into());
            rest = after;
        }
        Ok(Self {
            name: name.trim_end().to_owned(),
            parts: parts.into(),
        })
    }
}

/// The part in the bracket that a text begins with, and the text after it; an error when it
/// is not closed. A bracket holds a number or a text in quotes: `temp [C]` is a name.
fn bracket(text: &str) -> Option<Result<(&str, &str), ()>> {
    let inner = text.strip_prefix('[')?.trim_start();
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let found = inner.get(1..)?.split_once(quote);
        let closed = found.and_then(|(part, after)| {
            let after = after.trim_start().strip_prefix(']')?;
            Some((part, after))
        });
        return Some(closed.ok_or(()));
    }
    let (number, after) = inner.split_once(']')?;
    let number = number.trim_end();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(Ok((number, after)))
}

/// Writes the path as it is read: parts that are no plain names are in brackets.
impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.parts.iter().try_for_each(|part| write_part(part, f))
    }
}

fn write_part(part: &str, f: &mut impl fmt::Write) -> fmt::Result {
    if part.is_empty() || part.contains(['.', '[', ']', '"', '\'', '{', '}', ' ']) {
        let quote = if part.contains('"') { '\'' } else { '"' };
        write!(f, "[{quote}{part}{quote}]")
    } else {
        write!(f, ".{part}")
    }
}

/// The path of a part: that of the whole, and the part's name.
pub(crate) fn join(path: &str, part: &str) -> String {
    let mut joined = path.to_owned();
    let written = write_part(part, &mut joined);
    debug_assert!(written.is_ok(), "a String takes everything");
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let path = PartPath::parse(text).unwrap();
        let parts = path.parts.iter().map(|part| part.to_string());
        std::iter::once(path.name.clone()).chain(parts).collect()
    }

    #[test]
    fn path_has_names_positions_and_texts_in_brackets() {
        for (text, expected) in [
            ("place", vec!["place"]),
            (" place . lat ", vec!["place", "lat"]),
            ("a.0.b", vec!["a", "0", "b"]),
            ("a[0].b", vec!["a", "0", "b"]),
            ("a [ 0 ] [1]", vec!["a", "0", "1"]),
            ("row[\"a.b\"]", vec!["row", "a.b"]),
            ("row['x [\"y\"]'].z", vec!["row", "x [\"y\"]", "z"]),
            ("row.temp [C]", vec!["row", "temp [C]"]),
            ("row.power (kW).x", vec!["row", "power (kW)", "x"]),
            ("row[\"\"]", vec!["row", ""]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
            let again = PartPath::parse(text).unwrap().to_string();
            assert_eq!(parts(&again), expected, "{again}");
        }
    }

    #[test]
    fn bracket_that_is_not_closed_is_an_error() {
        assert_eq!(
            PartPath::parse("row[\"a.b").unwrap_err(),
            "a bracket is not closed in \"row[\\\"a.b\"; write for example row[\"a.b\"]"
        );
        assert!(
            PartPath::parse("row['a']b")
                .unwrap_err()
                .starts_with("\"b\" follows a bracket")
        );
    }
}
