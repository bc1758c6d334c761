//! Holds the values of a document with their origins.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use toml::de::DeValue;

use crate::document::environment::{expand, whole_reference};
use crate::document::problem::ValueError;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of the file, from 1.
    Line(usize),
    /// An option of the command line, as it was typed.
    Option(Rc<str>),
}

impl Origin {
    /// Formats the place for messages. An option that stands for a whole file has no lines.
    pub(crate) fn place(&self, file: &str) -> String {
        match self {
            Self::Line(_) if file.starts_with("--") => file.to_owned(),
            Self::Line(line) => format!("{file}:{line}"),
            Self::Option(option) => option.to_string(),
        }
    }
}

/// A value with its origin.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: Origin,
    pub(crate) value: Value,
    /// The text as written, if the value contains text of the environment. Messages and rows
    /// show `${NAME}` in place of that text.
    pub(crate) written: Option<Rc<str>>,
}

impl Node {
    /// Returns whether the value contains text of the environment.
    pub(crate) fn is_from_environment(&self) -> bool {
        self.written.is_some()
    }

    /// Returns the value for a key that is no text. A text that is one `${NAME}` is the number,
    /// `true` or `false` that the environment has in it.
    pub(crate) fn scalar(&self) -> Cow<'_, Value> {
        let own = || Cow::Borrowed(&self.value);
        let (Some(_), Value::String(text)) = (self.variable(), &self.value) else {
            return own();
        };
        Value::parse_scalar(text).map_or_else(own, Cow::Owned)
    }

    /// Returns a copy with the scalars of the environment at the paths that are wanted. `None`
    /// if there are none. The path has the keys that lead to this node.
    pub(crate) fn with_scalars(
        &self,
        path: &mut Vec<String>,
        is_wanted: &impl Fn(&[String]) -> bool,
    ) -> Option<Self> {
        let mut copy = self.clone();
        if let (Cow::Owned(scalar), true) = (self.scalar(), is_wanted(path)) {
            copy.value = scalar;
            return Some(copy);
        }
        let inside: Vec<(String, &mut Self)> = match &mut copy.value {
            Value::Table(Table(entries)) => entries
                .iter_mut()
                .map(|(key, node)| (key.clone(), node))
                .collect(),
            Value::Array(entries) => entries
                .iter_mut()
                .enumerate()
                .map(|(place, node)| (place.to_string(), node))
                .collect(),
            _ => Vec::new(),
        };
        let mut is_changed = false;
        for (key, node) in inside {
            path.push(key);
            if let Some(typed) = node.with_scalars(path, is_wanted) {
                *node = typed;
                is_changed = true;
            }
            path.pop();
        }
        is_changed.then_some(copy)
    }

    /// Returns the name of the environment's variable that the whole value is.
    fn variable(&self) -> Option<&str> {
        whole_reference(self.written.as_deref()?)
    }

    /// Explains that the value is not of the kind that a key wants.
    pub(crate) fn mismatch(&self, wanted: &str) -> ValueError {
        let text = match (&self.value, &self.written) {
            (_, Some(written)) => match self.variable() {
                Some(name) => format!(
                    "{wanted}, and the environment's {name} has none; set it to one (export {name}=…)"
                ),
                None => format!(
                    "{wanted}, not a text with a part from the environment ({written}); one ${{NAME}} alone in quotes is read as a number, true or false"
                ),
            },
            (Value::String(text), None) if Value::parse_scalar(text).is_some() => {
                format!("{wanted}, not a text; write {text} without quotes")
            }
            _ => format!("{wanted}, not {}", self.kind()),
        };
        text.into()
    }

    /// Formats a value for messages: as it was written, if it contains text of the
    /// environment.
    pub(crate) fn shown(&self, value: impl fmt::Display) -> String {
        match &self.written {
            Some(written) => written.to_string(),
            None => value.to_string(),
        }
    }

    /// Returns a message with `${NAME}` in place of each value of the environment that the
    /// value, or a value in it, contains.
    pub(crate) fn without_environment(&self, mut message: String) -> String {
        match &self.value {
            Value::Array(entries) => {
                return entries
                    .iter()
                    .fold(message, |message, entry| entry.without_environment(message));
            }
            Value::Table(table) => {
                return table.0.iter().fold(message, |message, (_, entry)| {
                    entry.without_environment(message)
                });
            }
            _ => {}
        }
        let Some(written) = self.written.as_deref() else {
            return message;
        };
        if let Value::String(text) = &self.value {
            message = message.replace(&format!("{text:?}"), &format!("{written:?}"));
        }
        // The parser reports a name that the environment does not have.
        let _ = expand(written, |name| {
            let value = std::env::var(name).ok()?;
            let reference = format!("${{{name}}}");
            message = message.replace(&format!("{value:?}"), &format!("{reference:?}"));
            for part in shown_parts(&value, MIN_OWN_SECRET) {
                message = message.replace(part, &reference);
            }
            Some(value)
        });
        message
    }

    /// Adds the long texts of the environment in this value and those in it, each with its
    /// `${NAME}`. A message of any key shows that in place of the text.
    pub(crate) fn collect_environment(&self, found: &mut BTreeMap<String, String>) {
        match &self.value {
            Value::Array(entries) => entries
                .iter()
                .for_each(|entry| entry.collect_environment(found)),
            Value::Table(table) => table
                .0
                .iter()
                .for_each(|(_, entry)| entry.collect_environment(found)),
            _ => {}
        }
        let written = self.written.as_deref().unwrap_or_default();
        let _ = expand(written, |name| {
            let value = std::env::var(name).ok()?;
            for part in shown_parts(&value, MIN_SECRET) {
                found.insert(part.to_owned(), format!("${{{name}}}"));
            }
            Some(value)
        });
    }
}

/// Returns the parts of a value that a message can have: the whole, and the texts between its
/// control characters and spaces at its ends, which messages cut or replace.
fn shown_parts(value: &str, min_bytes: usize) -> impl Iterator<Item = &str> {
    let lines = value.split(char::is_control).map(str::trim);
    let parts = std::iter::once(value).chain(lines);
    parts.filter(move |part| part.len() >= min_bytes)
}

/// Length from which a value of the environment is replaced in messages about its key: a shorter
/// one would also be found in their words.
const MIN_OWN_SECRET: usize = 3;

/// The same for messages about other keys.
const MIN_SECRET: usize = 6;

#[derive(Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
    /// A number with more digits than the other two keep, as it is written.
    Long(String),
    /// A TOML value that fleet files do not use: a date.
    Other(String),
}

impl Value {
    /// Returns a whole number, as decimal digits if it has too many.
    pub(crate) fn integer(text: &str, radix: u32) -> Self {
        match i64::from_str_radix(text, radix) {
            Ok(number) => Self::Integer(number),
            Err(_) => Self::Long(
                i128::from_str_radix(text, radix)
                    .map_or_else(|_| text.to_owned(), |number| number.to_string()),
            ),
        }
    }

    /// Returns a number with a fraction, as its digits if a float would change them.
    pub(crate) fn float(text: &str) -> Self {
        match text.parse::<f64>() {
            Ok(number) if !is_changed(text, number) => Self::Float(number),
            _ => Self::Long(text.to_owned()),
        }
    }

    /// Reads a number, `true` or `false` as TOML writes it.
    pub(crate) fn parse_scalar(text: &str) -> Option<Self> {
        match DeValue::parse(text.trim()).ok()?.get_ref() {
            DeValue::Integer(number) => Some(Self::integer(number.as_str(), number.radix())),
            DeValue::Float(number) => Some(Self::float(number.as_str())),
            DeValue::Boolean(value) => Some(Self::Boolean(*value)),
            _ => None,
        }
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

/// A table with its keys in the order of the file.
#[derive(Clone, Default)]
pub(crate) struct Table(pub(crate) Vec<(String, Node)>);

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.0
            .iter_mut()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }
}

impl Node {
    /// Returns the kind of the value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::String(_) => "a text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Long(_) | Value::Other(_) => "a date or a number out of range",
        }
    }

    /// Returns the name of an entry of `[[groups]]`.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.value {
            Value::Table(table) => match &table.get("name")?.value {
                Value::String(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the value of a key if this is a table.
    pub(crate) fn key(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    pub(crate) fn step(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(table) => table.get(key),
            Value::Array(entries) => entries
                .iter()
                .find(|entry| entry.name() == Some(key))
                .or_else(|| entries.get(key.parse::<usize>().ok()?)),
            _ => None,
        }
    }

    /// Returns the deepest existing node on a path.
    pub(crate) fn nearest(&self, path: &[&str]) -> &Node {
        let mut node = self;
        for key in path {
            match node.step(key) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
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
            assert!(matches!(Value::float(text), Value::Float(_)), "{text}");
        }
        for text in [
            "0.1234567890123456789",
            "9007199254740993.0",
            "1.00000000000000000001",
        ] {
            assert!(
                matches!(Value::float(text), Value::Long(kept) if kept == text),
                "{text}"
            );
        }
        assert!(matches!(Value::integer("7", 10), Value::Integer(7)));
        let long = Value::integer("ffffffffffffffff", 16);
        assert!(matches!(long, Value::Long(kept) if kept == "18446744073709551615"));
    }

    #[test]
    fn parts_of_a_value_that_messages_cut_are_known() {
        let parts: Vec<&str> = shown_parts(" hunter2 \n\tsecret\u{0}x\n", 3).collect();
        assert_eq!(parts, [" hunter2 \n\tsecret\u{0}x\n", "hunter2", "secret"]);
        assert_eq!(
            shown_parts("ab", 3).count(),
            0,
            "words of messages have it too"
        );
    }
}
