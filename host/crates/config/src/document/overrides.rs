//! Applies changes of the command line to a document.

use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use crate::document::node::{Node, Origin, Table, Value};
use crate::document::parser::option_value;
use crate::document::problem::{Problem, Problems, ValueError};
use crate::document::redact::redact_value;
use crate::document::suggest::did_you_mean;

/// A change from the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Override {
    /// The option in messages: `--set log.payload`.
    pub shown: String,
    /// The parts of the key; groups and targets by name.
    pub path: Vec<String>,
    /// The value: TOML if it can be parsed as TOML, otherwise a text.
    pub value: String,
}

impl Override {
    /// Reads `key=value`. The key is a TOML key: dots between its parts, quotes around a part
    /// with a dot or a space.
    ///
    /// # Errors
    /// The key cannot be read, or the text has no `=`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
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

    /// Returns the option and its value, without secrets.
    pub(crate) fn shown_value(&self) -> (String, String) {
        let value = redact_value(&self.path, &self.value);
        (self.shown.clone(), value)
    }

    /// Applies the change to a document.
    pub(crate) fn apply(&self, root: &mut Node, problems: &mut Problems) {
        let option: Rc<str> = self.shown.as_str().into();
        let value = option_value(&option, &self.value, problems);
        if let Err(why) = put(root, &self.path, value, &option) {
            problems.push(Problem {
                place: self.shown.clone(),
                text: why.into(),
            });
        }
    }
}

impl std::fmt::Debug for Override {
    /// Formats the change without its value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Override").field(&self.shown).finish()
    }
}

fn put(root: &mut Node, path: &[String], value: Node, option: &Rc<str>) -> Result<(), ValueError> {
    let Some((last, way)) = path.split_last() else {
        return Err("it names no key; name one, such as groups.NAME.count".into());
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
                    format!("there is no group {key:?}{}", did_you_mean(key, names))
                })?
            }
            Value::Table(table) => {
                if table.get(key).is_none() {
                    // One key cannot create a target that does not exist.
                    if depth == 1 && way.first().is_some_and(|first| first == "targets") {
                        let names = table.0.iter().map(|(name, _)| name.as_str());
                        let hint = did_you_mean(key, names);
                        return Err(format!("there is no target {key:?}{hint}").into());
                    }
                    let made = Node {
                        at: Origin::Option(Rc::clone(option)),
                        value: Value::Table(Table::default()),
                        written: None,
                    };
                    table.0.push((key.clone(), made));
                }
                table
                    .get_mut(key)
                    .ok_or_else(|| format!("{key:?} cannot be set; change it in the file"))?
            }
            _ => {
                return Err(format!(
                    "{key:?} lies inside a value that is no table; name a key of a table"
                )
                .into());
            }
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
        _ => Err(
            format!("{last:?} lies inside a value that is no table; name a key of a table").into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::parser;

    #[test]
    fn keys_of_options_are_read_as_toml_reads_them() {
        let parse = |text| Override::parse(text).unwrap();
        assert_eq!(parse("a.b-c=1=2").path, ["a", "b-c"]);
        assert_eq!(parse("a.b-c=1=2").value, "1=2");
        assert_eq!(parse("groups.\"my group\".count = 5").path[1], "my group");
        assert!(Override::parse("duration").is_err());
        assert!(Override::parse("a b=1").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z\\[\\]=\"'{}.,#\n 0-9$-]{0,80}") {
            let mut problems = Problems::default();
            let _ = parser::parse(&text, "x.toml", &mut problems);
            let _ = Override::parse(&text);
        }
    }
}
