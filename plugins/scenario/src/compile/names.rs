//! Resolves the names of templates and expressions to positions.
//!
//! Fields come first, then variables, then the values that a device has without a
//! generator.

use mockfleet_sdk::Problem;
use mockfleet_sdk::generate::{KnownParts, PartPath, PartRead, Scope, Value};

use crate::config::Config;
use crate::payload;
use crate::problems::suggestion;

/// A value that a device has without a generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// The time of the call, as RFC 3339.
    At,
    /// The received message, during an answer.
    Request,
    /// The value at `path` in it.
    Value,
    /// Its `id`, `group` and `index`.
    Device,
    /// Its status.
    Status,
    /// The number of sending ticks before this one.
    Sequence,
    /// Seconds since it was switched on.
    Age,
    /// Seconds since its status began.
    StatusAge,
}

impl Builtin {
    /// The parts of its values.
    fn known_parts(self) -> KnownParts {
        match self {
            Self::Request | Self::Value => KnownParts::Unknown,
            Self::Device => {
                KnownParts::members(["id", "group", "index"].map(|name| (name, KnownParts::Single)))
            }
            _ => KnownParts::Single,
        }
    }
}

/// The names in the order of their positions. Expressions have those from `device` on by
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

/// The number of builtins that are passed to expressions.
const EXPRESSION_BUILTINS: usize = 3;

/// A name that exists in expressions, but not in templates.
const EXPRESSION_NOW: &str = "now";

/// All names of a scenario.
#[derive(Debug)]
pub(crate) struct Names {
    all: Vec<String>,
    fields: usize,
    /// The names for generators: one scope for all of them, since it keeps the data files
    /// that they read.
    scope: Scope,
    /// The parts of each name's values. Unknown before the fields are read.
    shapes: Vec<KnownParts>,
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
        let mut shapes = vec![KnownParts::Unknown; config.fields.len()];
        let changed = changed_variables(config);
        shapes.extend(config.variables.iter().map(|(name, value)| {
            if changed.contains(&name.as_str()) {
                KnownParts::Unknown
            } else {
                KnownParts::from(&Value::from(value))
            }
        }));
        shapes.extend(BUILTINS.iter().map(|(_, builtin)| builtin.known_parts()));
        Self {
            all,
            fields: config.fields.len(),
            scope,
            shapes,
        }
    }

    /// The position of a builtin.
    pub(crate) fn builtin(&self, builtin: Builtin) -> usize {
        let place = BUILTINS.iter().position(|(_, known)| *known == builtin);
        self.all.len() - BUILTINS.len() + place.unwrap_or(0)
    }

    /// The position of a variable.
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

    /// Notes the parts of a field's values.
    pub(crate) fn set_known_parts(&mut self, position: usize, shape: KnownParts) {
        if let Some(known) = self.shapes.get_mut(position) {
            *known = shape;
        }
    }

    /// Reports the parts that a plan reads and that never exist, each at its path.
    pub(crate) fn check_parts(
        &self,
        reads: &[PartRead],
        path: impl Fn(&PartRead) -> String,
        problems: &mut Vec<Problem>,
    ) {
        for read in reads {
            let shape = self.shapes.get(read.position);
            let why =
                shape.and_then(|shape| shape.missing_part(&read.name, &read.parts, &self.shapes));
            if let Some(why) = why {
                problems.push(Problem::new(path(read), why));
            }
        }
    }

    /// The scope of generators.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The initial values.
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

    fn missing_part(&self, position: usize, path: &PartPath) -> Option<String> {
        let shape = self.shapes.get(position)?;
        shape.missing_part(&path.name, &path.parts, &self.shapes)
    }
}

/// The variables that an answer or a transition sets.
fn changed_variables(config: &Config) -> Vec<&str> {
    let statuses = config.statuses.values();
    let transitions = statuses
        .flat_map(|status| &status.transitions)
        .chain(&config.transitions);
    let by_transitions = transitions
        .filter_map(|transition| transition.0.as_ref().ok())
        .flat_map(|transition| transition.set.keys());
    let by_answers = config
        .answers
        .iter()
        .filter_map(|answer| answer.0.as_ref().ok())
        .flat_map(|answer| answer.set.keys());
    by_transitions
        .chain(by_answers)
        .map(String::as_str)
        .collect()
}

fn is_identifier(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain)
}
