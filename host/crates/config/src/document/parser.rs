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
        from_environment: false,
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
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| Value::Other(number.to_string()), Value::Integer),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .map_or_else(|_| Value::Other(number.to_string()), Value::Float),
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
            from_environment: false,
        }
    }

    /// Creates a text with `${NAME}` filled in from the environment.
    fn text(&mut self, at: Origin, text: &str) -> Node {
        match expand(text, |name| std::env::var(name).ok()) {
            Ok((text, from_environment)) => Node {
                at,
                value: Value::String(text),
                from_environment,
            },
            Err(why) => {
                self.problems.push(Problem {
                    place: at.place(self.shown),
                    text: why,
                });
                Node {
                    at,
                    value: Value::String(text.to_owned()),
                    from_environment: true,
                }
            }
        }
    }
}
