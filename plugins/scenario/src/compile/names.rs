//! The names that templates and expressions refer to, and where the value of each is:
//! fields first, then variables, then what a device knows of itself.

use mockfleet_sdk::Problem;
use mockfleet_sdk::generate::{Scope, Value};

use crate::config::Config;
use crate::payload;
use crate::problems::suggestion;

/// What a device knows without a generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// The moment, as RFC 3339.
    At,
    /// What it received, while it answers.
    Request,
    /// What `path` found in it.
    Value,
    /// Its `id`, `group` and `index`.
    Device,
    /// Its status.
    Status,
    /// Ticks at which it has sent before this one.
    Sequence,
    /// Seconds since it was switched on.
    Age,
    /// Seconds since its status began.
    StatusAge,
}

/// In the order of their positions. Expressions know those from `device` on by
/// themselves.
const BUILTINS: [(&str, Builtin); 8] = [
    ("at", Builtin::At),
    ("request", Builtin::Request),
    ("value", Builtin::Value),
    ("device", Builtin::Device),
    ("status", Builtin::Status),
    ("sequence", Builtin::Sequence),
    ("age", Builtin::Age),
    ("status_age", Builtin::StatusAge),
];

/// How many of them expressions are told.
const EXPRESSION_BUILTINS: usize = 3;

/// A name of expressions that is none of templates.
const EXPRESSION_NOW: &str = "now";

/// All names of a scenario.
#[derive(Debug)]
pub(crate) struct Names {
    all: Vec<String>,
    fields: usize,
    /// The same for generators: one for all of them, since it keeps the data files that
    /// they read.
    scope: Scope,
}

impl Names {
    pub(crate) fn collect(config: &Config, problems: &mut Vec<Problem>) -> Self {
        let mut all: Vec<String> = Vec::new();
        let kinds = [
            ("fields", config.fields.keys().collect::<Vec<_>>()),
            ("variables", config.variables.keys().collect()),
        ];
        for (kind, names) in kinds {
            for name in names {
                let path = format!("{kind}.{name}");
                if !is_identifier(name) {
                    problems.push(Problem::new(
                        &path,
                        format_args!(
                            "{name:?} cannot be used in an expression; a name has letters, digits and _ and begins with a letter"
                        ),
                    ));
                }
                if name == EXPRESSION_NOW || BUILTINS.iter().any(|(builtin, _)| builtin == name) {
                    problems.push(Problem::new(
                        &path,
                        format_args!("{name:?} is what a device knows anyway; take another name"),
                    ));
                }
                if all.contains(name) {
                    problems.push(Problem::new(
                        &path,
                        format_args!("there is a field {name:?} already; take another name"),
                    ));
                }
                all.push(name.clone());
            }
        }
        all.extend(BUILTINS.iter().map(|(name, _)| (*name).to_owned()));
        let told = all.len() - BUILTINS.len() + EXPRESSION_BUILTINS;
        let scope = Scope::new()
            .names(all.iter().take(told).map(String::as_str))
            .group_files();
        Self {
            all,
            fields: config.fields.len(),
            scope,
        }
    }

    /// Where a device keeps what it knows.
    pub(crate) fn builtin(&self, builtin: Builtin) -> usize {
        let place = BUILTINS.iter().position(|(_, known)| *known == builtin);
        self.all.len() - BUILTINS.len() + place.unwrap_or(0)
    }

    /// Where a variable's value is.
    pub(crate) fn variable(&self, name: &str) -> Result<usize, String> {
        let end = self.all.len() - BUILTINS.len();
        let variables = self.all.get(self.fields..end).unwrap_or_default();
        match variables.iter().position(|known| known == name) {
            Some(place) => Ok(self.fields + place),
            None => Err(format!(
                "there is no variable {name:?}{}",
                suggestion(name, variables.iter().map(String::as_str))
            )),
        }
    }

    /// The names as generators refer to them.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The first values.
    pub(crate) fn values(&self, config: &Config) -> Vec<Value> {
        let mut values = vec![Value::Missing; self.fields];
        values.extend(config.variables.values().map(Value::from));
        values.resize(self.all.len(), Value::Missing);
        values
    }
}

impl payload::NameResolver for Names {
    fn position(&self, name: &str) -> Result<usize, String> {
        self.all
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| {
                let names = self.all.iter().map(String::as_str);
                format!(
                    "there is no field or variable {name:?}{}",
                    suggestion(name, names)
                )
            })
    }
}

fn is_identifier(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain)
}
