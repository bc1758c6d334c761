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
    let lines = Lines(text);
    for error in errors {
        let line = error.span().map_or(1, |span| lines.line_at(span.start));
        problems.push(Problem {
            place: format!("{shown}:{line}"),
            text: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
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
        lines: Lines(""),
        option: Some(Rc::clone(option)),
        shown: option,
        problems,
    };
    match parsed {
        Some(value) if !matches!(value.get_ref(), DeValue::Datetime(_)) => parser.node(&value),
        _ => parser.text(Origin::Option(Rc::clone(option)), text),
    }
}

/// Returns a whole number, as decimal digits if it has too many.
fn integer(text: &str, radix: u32) -> Value {
    match i64::from_str_radix(text, radix) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Long(
            i128::from_str_radix(text, radix)
                .map_or_else(|_| text.to_owned(), |number| number.to_string()),
        ),
    }
}

/// Returns a number with a fraction, as its digits if a float would change them.
fn float(text: &str) -> Value {
    match text.parse::<f64>() {
        Ok(number) if !is_changed(text, number) => Value::Float(number),
        _ => Value::Long(text.to_owned()),
    }
}

/// Returns whether a float lacks digits that a person wrote. It keeps 17 digits, and of a
/// whole number all up to 2^53.
fn is_changed(text: &str, number: f64) -> bool {
    let digits = |text: &str| -> String {
        let number = text.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        digits.trim_matches('0').to_owned()
    };
    let (written, kept) = (digits(text), digits(&format!("{number:e}")));
    let may_differ = number.fract() != 0.0 && written.len() <= 17;
    number.is_finite() && written != kept && !may_differ
}

struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// Returns the line of a byte, from 1.
    fn line_at(&self, offset: usize) -> usize {
        let before = self.0.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}

struct Parser<'a> {
    lines: Lines<'a>,
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
            DeValue::Integer(number) => integer(number.as_str(), number.radix()),
            DeValue::Float(number) => float(number.as_str()),
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
                    text: why,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_kept_as_written_if_a_float_would_change_it() {
        for text in [
            "21.5",
            "1e3",
            "0.30000000000000004",
            "0.10000000000000001",
            "inf",
            "1e300",
            "9007199254740992.0",
        ] {
            assert!(matches!(float(text), Value::Float(_)), "{text}");
        }
        for text in [
            "0.1234567890123456789",
            "9007199254740993.0",
            "1.00000000000000000001",
        ] {
            assert!(
                matches!(float(text), Value::Long(kept) if kept == text),
                "{text}"
            );
        }
        assert!(matches!(integer("7", 10), Value::Integer(7)));
        let long = integer("ffffffffffffffff", 16);
        assert!(matches!(long, Value::Long(kept) if kept == "18446744073709551615"));
    }
}
