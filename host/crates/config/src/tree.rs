//! A fleet file as a tree that remembers where each value stands, with the
//! environment filled in and the command line's changes made. Knows TOML; knows no
//! key of a fleet file but `groups`, whose entries are found by their name.

use std::collections::BTreeSet;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};
use super::suggest;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// A line of the file, from one.
    Line(usize),
    /// An option of the command line, as it was typed.
    Option(Rc<str>),
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
    /// Holds something of the environment: never to be shown.
    pub(super) hidden: bool,
}

#[derive(Clone)]
pub(super) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
    /// What TOML has and a fleet file has no use for: dates, numbers too large.
    Other(String),
}

/// Keys in the order of the file.
#[derive(Clone, Default)]
pub(super) struct Table(pub(super) Vec<(String, Node)>);

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.0
            .iter_mut()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }
}

impl Node {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::String(_) => "a text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(_) => "a date or a number out of range",
        }
    }

    /// The name of an entry of `[[groups]]`.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.value {
            Value::Table(table) => match &table.get("name")?.value {
                Value::String(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of a key, where this is a table.
    pub(super) fn key(&self, key: &str) -> Option<&Node> {
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

    /// The deepest node on the way to a path, and whether that is its end.
    pub(super) fn nearest(&self, path: &[&str]) -> &Node {
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

/// Reads a TOML text. What cannot be read is a problem; the rest is still there.
pub(super) fn parse(text: &str, shown: &str, problems: &mut Problems) -> Node {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = Lines(text);
    for error in errors {
        let line = error.span().map_or(1, |span| lines.of(span.start));
        problems.push(Problem {
            place: format!("{shown}:{line}"),
            text: format!("this is not TOML: {}", error.message().replace('\n', ", ")),
        });
    }
    let mut reading = Reading {
        lines,
        option: None,
        shown,
        problems,
    };
    let table = reading.table(root.get_ref());
    Node {
        at: At::Line(1),
        value: Value::Table(table),
        hidden: false,
    }
}

/// The value of an option: TOML where it reads as such, a text otherwise.
fn option_value(option: &Rc<str>, text: &str, problems: &mut Problems) -> Node {
    let parsed = DeValue::parse(text).ok();
    let mut reading = Reading {
        lines: Lines(""),
        option: Some(Rc::clone(option)),
        shown: option,
        problems,
    };
    match parsed {
        Some(value) if !matches!(value.get_ref(), DeValue::Datetime(_)) => reading.node(&value),
        _ => reading.text(At::Option(Rc::clone(option)), text),
    }
}

struct Lines<'a>(&'a str);

impl Lines<'_> {
    /// The line of a byte, from one.
    fn of(&self, offset: usize) -> usize {
        let before = self.0.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}

struct Reading<'a> {
    lines: Lines<'a>,
    option: Option<Rc<str>>,
    shown: &'a str,
    problems: &'a mut Problems,
}

impl Reading<'_> {
    fn at<T>(&self, spanned: &Spanned<T>) -> At {
        match &self.option {
            Some(option) => At::Option(Rc::clone(option)),
            None => At::Line(self.lines.of(spanned.span().start)),
        }
    }

    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let entries = keys.into_iter().map(|(key, value)| {
            let mut node = self.node(value);
            // A key stands where it is written, a long list or table where it begins.
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
            hidden: false,
        }
    }

    /// A text with `${NAME}` filled in from the environment.
    fn text(&mut self, at: At, text: &str) -> Node {
        match expand(text, |name| std::env::var(name).ok()) {
            Ok((text, hidden)) => Node {
                at,
                value: Value::String(text),
                hidden,
            },
            Err(why) => {
                self.problems.push(Problem {
                    place: place(self.shown, &at),
                    text: why,
                });
                Node {
                    at,
                    value: Value::String(text.to_owned()),
                    hidden: true,
                }
            }
        }
    }
}

/// A place as it is shown.
pub(super) fn place(shown: &str, at: &At) -> String {
    match at {
        At::Line(line) => format!("{shown}:{line}"),
        At::Option(option) => option.to_string(),
    }
}

/// Fills in `${NAME}`; `$${` stands for `${`. Says whether anything was filled in.
fn expand(
    text: &str,
    mut environment: impl FnMut(&str) -> Option<String>,
) -> Result<(String, bool), String> {
    let mut out = String::new();
    let mut rest = text;
    let mut filled = false;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = from.get(2..).unwrap_or("");
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = from.get(2..).and_then(|inside| inside.split_once('}')) else {
            return Err("${ is not closed; write ${NAME}, or $${ for the characters".into());
        };
        let Some(value) = environment(name) else {
            return Err(format!(
                "${{{name}}}: the environment has no {name:?}; set it (export {name}=…), or write $${{{name}}} for the text itself"
            ));
        };
        out.push_str(&value);
        filled = true;
        rest = after;
    }
    out.push_str(rest);
    Ok((out, filled))
}

/// The names `${NAME}` in the values of a TOML text; of one that is none, nothing.
#[must_use]
pub fn asked_of_environment(text: &str) -> BTreeSet<String> {
    fn of(value: &DeValue<'_>, names: &mut BTreeSet<String>) {
        match value {
            DeValue::String(text) => {
                let asked = |name: &str| {
                    names.insert(name.to_owned());
                    Some(String::new())
                };
                // What is not closed is said where it is read.
                let _ = expand(text, asked);
            }
            DeValue::Array(entries) => entries.iter().for_each(|entry| of(entry.get_ref(), names)),
            DeValue::Table(table) => table.values().for_each(|value| of(value.get_ref(), names)),
            _ => {}
        }
    }
    let (root, _) = DeTable::parse_recoverable(text);
    let mut names = BTreeSet::new();
    root.get_ref()
        .values()
        .for_each(|value| of(value.get_ref(), &mut names));
    names
}

/// A change from the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Override {
    /// The option as it is shown in messages: `--set log.payload`.
    pub shown: String,
    /// The key, step by step; groups and targets by name.
    pub path: Vec<String>,
    /// The value: TOML where it reads as such, a text otherwise.
    pub value: String,
}

impl Override {
    /// Reads `key=value`; the key as in TOML: dots between its parts, quotes around
    /// what holds a dot or a space.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn set(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem {
            place: format!("--set {}", text.split('=').next().unwrap_or("")),
            text: format!(
                "{why}; wanted is key=value, such as targets.broker.qos=1 or groups.thermometer.every=500ms"
            ),
        };
        let (key, value) = text.split_once('=').ok_or_else(|| wrong("it has no ="))?;
        let mut path = Vec::new();
        let document = format!("{key} = 0");
        let parsed = DeTable::parse(&document).map_err(|_| wrong("its key cannot be read"))?;
        let mut table = parsed.get_ref();
        while let Some((key, value)) = table.iter().next() {
            path.push(key.get_ref().clone().into_owned());
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                _ => break,
            }
        }
        Ok(Self {
            shown: format!("--set {}", key.trim()),
            path,
            value: value.trim().to_owned(),
        })
    }

    /// The option and its value, without secrets.
    pub(super) fn shown_value(&self) -> (String, String) {
        let value = super::redact::redacted_value(&self.path, &self.value);
        (self.shown.clone(), value)
    }

    /// Makes the change.
    pub(super) fn apply(&self, root: &mut Node, problems: &mut Problems) {
        let option: Rc<str> = self.shown.as_str().into();
        let value = option_value(&option, &self.value, problems);
        if let Err(text) = put(root, &self.path, value, &option) {
            problems.push(Problem {
                place: self.shown.clone(),
                text,
            });
        }
    }
}

impl std::fmt::Debug for Override {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Override").field(&self.shown).finish()
    }
}

fn put(root: &mut Node, path: &[String], value: Node, option: &Rc<str>) -> Result<(), String> {
    let Some((last, way)) = path.split_last() else {
        return Err("it names no key".into());
    };
    let mut node = root;
    for (depth, key) in way.iter().enumerate() {
        node = match &mut node.value {
            Value::Array(entries) => {
                let names: Vec<String> = entries
                    .iter()
                    .filter_map(|entry| entry.name().map(str::to_owned))
                    .collect();
                let found = entries
                    .iter_mut()
                    .find(|entry| entry.name() == Some(key.as_str()));
                found.ok_or_else(|| {
                    let names = names.iter().map(String::as_str);
                    format!("there is no group {key:?}{}", suggest::among(key, names))
                })?
            }
            Value::Table(table) => {
                if table.get(key).is_none() {
                    // A target that does not exist cannot be made by one key of it.
                    if depth == 1 && way.first().is_some_and(|first| first == "targets") {
                        let names = table.0.iter().map(|(name, _)| name.as_str());
                        let hint = suggest::among(key, names);
                        return Err(format!("there is no target {key:?}{hint}"));
                    }
                    let made = Node {
                        at: At::Option(Rc::clone(option)),
                        value: Value::Table(Table::default()),
                        hidden: false,
                    };
                    table.0.push((key.clone(), made));
                }
                table
                    .get_mut(key)
                    .ok_or_else(|| format!("{key:?} cannot be set"))?
            }
            _ => return Err(format!("{key:?} lies inside a value that is no table")),
        };
    }
    match &mut node.value {
        Value::Table(table) => {
            match table.get_mut(last) {
                Some(old) => *old = value,
                None => table.0.push((last.clone(), value)),
            }
            Ok(())
        }
        Value::Array(_) => {
            Err("it names a whole entry; name a key of it, such as groups.NAME.count".into())
        }
        _ => Err(format!("{last:?} lies inside a value that is no table")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "s3cret".to_owned())
    }

    #[test]
    fn the_environment_is_filled_in() {
        let expanded = |text| expand(text, environment);
        assert_eq!(
            expanded("Bearer ${TOKEN}!"),
            Ok(("Bearer s3cret!".into(), true))
        );
        assert_eq!(expanded("$${TOKEN}"), Ok(("${TOKEN}".into(), false)));
        assert_eq!(expanded("5 $ {x}"), Ok(("5 $ {x}".into(), false)));
        assert!(expanded("${NOPE}").unwrap_err().contains("export NOPE="));
        assert!(expanded("${TOKEN").unwrap_err().contains("not closed"));
    }

    #[test]
    fn keys_of_options_are_read_as_toml_reads_them() {
        let set = |text| Override::set(text).unwrap();
        assert_eq!(set("a.b-c=1=2").path, ["a", "b-c"]);
        assert_eq!(set("a.b-c=1=2").value, "1=2");
        assert_eq!(set("groups.\"my group\".count = 5").path[1], "my group");
        assert!(Override::set("duration").is_err());
        assert!(Override::set("a b=1").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(text in "[a-z\\[\\]=\"'{}.,#\n 0-9$-]{0,80}") {
            let mut problems = Problems::default();
            let _ = parse(&text, "x.toml", &mut problems);
            let _ = Override::set(&text);
        }
    }
}
