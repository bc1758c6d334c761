//! Expressions of conditions and variables. Owns how a text becomes one, and what counts
//! as true.

use mockfleet_sdk::generate::{At, Expression as Spec, Plan, Value};
use mockfleet_sdk::{Error, Problem, Rng};

use super::names::Names;
use super::within;

/// An expression over the names of a scenario.
#[derive(Debug)]
pub(crate) struct Expression {
    plan: Plan,
    /// As it is written, for messages.
    written: String,
}

impl Expression {
    pub(super) fn read(
        text: &str,
        names: &Names,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        match Spec::new(text).plan(names.scope()) {
            Ok(plan) => Some(Self {
                plan,
                written: text.to_owned(),
            }),
            Err(found) => {
                // The expression is all that the setting is.
                let found: Vec<Problem> = found
                    .into_iter()
                    .map(|problem| Problem::new("", problem.text))
                    .collect();
                within(path, found, problems);
                None
            }
        }
    }

    /// The positions whose values it needs.
    pub(crate) fn reads(&self) -> &[usize] {
        self.plan.reads()
    }

    /// Its value.
    pub(crate) fn value(&self, at: &At<'_>) -> Result<Value, Error> {
        self.plan
            .start(Rng::new(0))
            .next(at)
            .map_err(|error| Error::failed(format_args!("{}: {error}", self.written)))
    }

    /// Whether it is true; a value that is neither true nor false is an error.
    pub(crate) fn is_true(&self, at: &At<'_>) -> Result<bool, Error> {
        match self.value(at)? {
            Value::Bool(truth) => Ok(truth),
            // What compares with a field that was not made yet.
            Value::Missing | Value::Null => Ok(false),
            other => Err(Error::failed(format_args!(
                "{}: it gives {other}, which is neither true nor false",
                self.written
            ))),
        }
    }
}
