//! Holds the values of a document with their origins.

use std::rc::Rc;

use crate::document::environment::expand;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of the file, from 1.
    Line(usize),
    /// An option of the command line, as it was typed.
    Option(Rc<str>),
}

impl Origin {
    /// Formats the place for messages.
    pub(crate) fn place(&self, file: &str) -> String {
        match self {
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

    /// Returns a message with `${NAME}` in place of each value of the environment that the
    /// value contains.
    pub(crate) fn without_environment(&self, mut message: String) -> String {
        let written = self.written.as_deref().unwrap_or_default();
        // The parser reports a name that the environment does not have.
        let _ = expand(written, |name| {
            let value = std::env::var(name).ok()?;
            if value.len() >= MIN_SECRET_BYTES {
                message = message.replace(&value, &format!("${{{name}}}"));
            }
            Some(value)
        });
        message
    }
}

/// Length from which a value of the environment is replaced in messages: a shorter one would
/// also be found in their words.
const MIN_SECRET_BYTES: usize = 3;

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

    fn step(&self, key: &str) -> Option<&Node> {
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
