//! Parses TOML into nodes with places.
//!
//! It fills in the environment. Of the keys of a fleet file it knows only `groups`, whose
//! entries are found by name.

use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::environment::expand;
use crate::document::node::{Node, Origin, Table, Value};
use crate::document::problem::{Problem, Problems};

/// Reads a TOML text. Each unreadable part is reported as a problem, and the rest is returned.
pub(crate) fn parse(text: &str, shown: &str, problems: &mut Problems) -> Node {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::new(text);
    for error in errors {
        let line = error.span().map_or(1, |span| lines.line_at(span.start));
        let start = error.span().map_or(0, |span| span.start);
        problems.push(Problem {
            place: format!("{shown}:{line}"),
            text: not_toml(text, start, error.message()),
        });
    }
    let mut parser = Parser {
        lines,
        option: None,
        shown,
        problems,
    };
    let table = parser.table(root.get_ref());
    Node {
        at: Origin::Line(1),
        value: Value::Table(table),
        written: None,
    }
}

/// Reads the value of an option: TOML if it can be parsed as TOML, otherwise a text.
pub(crate) fn option_value(option: &Rc<str>, text: &str, problems: &mut Problems) -> Node {
    let parsed = DeValue::parse(text).ok();
    let mut parser = Parser {
        lines: Lines::new(""),
        option: Some(Rc::clone(option)),
        shown: option,
        problems,
    };
    match parsed {
        Some(value) if !matches!(value.get_ref(), DeValue::Datetime(_)) => parser.node(&value),
        _ => parser.text(Origin::Option(Rc::clone(option)), text),
    }
}

/// The offsets of the line ends of a text.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Returns the line of a byte, from 1.
    fn line_at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}

struct Parser<'a> {
    lines: Lines,
    option: Option<Rc<str>>,
    shown: &'a str,
    problems: &'a mut Problems,
}

impl Parser<'_> {
    fn at<T>(&self, spanned: &Spanned<T>) -> Origin {
        match &self.option {
            Some(option) => Origin::Option(Rc::clone(option)),
            None => Origin::Line(self.lines.line_at(spanned.span().start)),
        }
    }

    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let entries = keys.into_iter().map(|(key, value)| {
            let mut node = self.node(value);
            // A key has its own line as place. A long list or table has the line of its
            // beginning.
            node.at = self.at(key);
            (key.get_ref().clone().into_owned(), node)
        });
        Table(entries.collect())
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let at = self.at(value);
        let value = match value.get_ref() {
            DeValue::String(text) => return self.text(at, text),
            DeValue::Integer(number) => Value::integer(number.as_str(), number.radix()),
            DeValue::Float(number) => Value::float(number.as_str()),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(date) => Value::Other(date.to_string()),
            DeValue::Array(array) => {
                Value::Array(array.iter().map(|entry| self.node(entry)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node {
            at,
            value,
            written: None,
        }
    }

    /// Creates a text with `${NAME}` filled in from the environment.
    fn text(&mut self, at: Origin, text: &str) -> Node {
        match expand(text, |name| std::env::var(name).ok()) {
            Ok((filled, is_filled)) => Node {
                at,
                value: Value::String(filled),
                written: is_filled.then(|| text.into()),
            },
            Err(why) => {
                self.problems.push(Problem {
                    place: at.place(self.shown),
                    text: why.into(),
                });
                Node {
                    at,
                    value: Value::String(text.to_owned()),
                    written: Some(text.into()),
                }
            }
        }
    }
}

/// Explains a part of a text that is not TOML; `start` is its first byte.
fn not_toml(text: &str, start: usize, message: &str) -> String {
    let said = message.replace('\n', ", ");
    match said.as_str() {
        unescaped if unescaped.contains("escape") || unescaped.contains("unicode") => {
            bad_escape(quoted_around(text, start))
        }
        unquoted if unquoted.starts_with("string values must be quoted") => {
            "this is not TOML: a text is written in quotes, such as \"10s\"".to_owned()
        }
        _ => format!("this is not TOML: {said}"),
    }
}

/// Returns the text in double quotes around a byte, as far as it is on one line.
fn quoted_around(text: &str, start: usize) -> Option<&str> {
    let (before, after) = text.split_at_checked(start)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line_end = after.find('\n').map_or(text.len(), |at| start + at);
    let begin = line_start + text.get(line_start..start)?.rfind('"')? + 1;
    let end = start + text.get(start..line_end)?.find('"')?;
    text.get(begin..end)
}

/// Explains a backslash that begins no escape of TOML. Only a path is quoted, since another
/// text may be a secret.
fn bad_escape(quoted: Option<&str>) -> String {
    let is_path = |text: &&str| {
        let mut start = text.chars();
        let drive = start.next().is_some_and(|c| c.is_ascii_alphabetic());
        (drive && start.as_str().starts_with(":\\")) || text.starts_with("\\\\")
    };
    match quoted.filter(is_path) {
        Some(path) if !path.contains('\'') => format!(
            "this is not TOML: a backslash in double quotes begins an escape, such as \\n; write the path in single quotes, which keep it: '{path}'"
        ),
        _ => "this is not TOML: a backslash in double quotes begins an escape, such as \\n; write the text in single quotes, which keep it ('C:\\data'), or each backslash twice".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let mut problems = Problems::default();
        let _ = parse(text, "f.toml", &mut problems);
        problems.to_string()
    }

    #[test]
    fn path_with_backslashes_is_shown_in_single_quotes() {
        for path in [r"C:\Users\me\weather.csv", r"d:\x", r"\\host\share"] {
            assert_eq!(
                said(&format!("a = 1\nw = {{ x = \"{path}\" }}\n")),
                format!(
                    "f.toml:2: this is not TOML: a backslash in double quotes begins an escape, such as \\n; write the path in single quotes, which keep it: '{path}'"
                )
            );
        }
    }

    #[test]
    fn lines_count_from_one_and_end_with_their_line_end() {
        let lines = Lines::new("a\n\nb\r\nc");
        let found = [0, 1, 2, 3, 5, 6, 99].map(|at| lines.line_at(at));
        assert_eq!(found, [1, 1, 2, 3, 3, 4, 4]);
        assert_eq!(Lines::new("").line_at(0), 1);
    }

    #[test]
    fn text_with_a_backslash_is_not_shown() {
        for text in [r"pass\word", r"\d+", r"C:\it's", r"a\"] {
            let said = said(&format!("w = \"{text}\"\n"));
            assert_eq!(
                said.lines().next().unwrap_or_default(),
                "f.toml:1: this is not TOML: a backslash in double quotes begins an escape, such as \\n; write the text in single quotes, which keep it ('C:\\data'), or each backslash twice",
                "{text}"
            );
        }
        assert_eq!(
            said("w = 10s"),
            "f.toml:1: this is not TOML: a text is written in quotes, such as \"10s\""
        );
    }
}
