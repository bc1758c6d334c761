//! Compiles the expressions of conditions and variables.

use mockfleet_sdk::generate::{Context, Expression as Spec, Plan, Value};
use mockfleet_sdk::{Error, Problem, Rng};

use crate::compile::names::Names;
use crate::problems::extend_within;

/// An expression over the names of a scenario.
#[derive(Debug)]
pub(crate) struct Expression {
    plan: Plan,
    /// The source, for error messages.
    written: String,
}

impl Expression {
    pub(crate) fn read(
        text: &str,
        names: &Names,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        match Spec::new(text).plan(names.scope()) {
            Ok(plan) => {
                names.check_parts(plan.part_reads(), |_| path.to_owned(), problems);
                Some(Self {
                    plan,
                    written: text.to_owned(),
                })
            }
            Err(found) => {
                // The setting is the expression itself, so the path ends there.
                let found: Vec<Problem> = found
                    .into_iter()
                    .map(|problem| Problem::new("", problem.text))
                    .collect();
                extend_within(path, found, problems);
                None
            }
        }
    }

    /// The positions of the values that it reads.
    pub(crate) fn reads(&self) -> &[usize] {
        self.plan.reads()
    }

    /// Computes the value.
    pub(crate) fn value(&self, context: &Context<'_>) -> Result<Value, Error> {
        self.plan
            .start(Rng::new(0))
            .next(context)
            .map_err(|error| Error::failed(format_args!("{}: {error}", self.written)))
    }

    /// Computes whether it is true. A value that is not a boolean is an error.
    pub(crate) fn is_true(&self, context: &Context<'_>) -> Result<bool, Error> {
        match self.value(context)? {
            Value::Bool(truth) => Ok(truth),
            // A comparison with a field that has no value yet.
            Value::Missing | Value::Null => Ok(false),
            other => Err(Error::failed(format_args!(
                "{}: it gives {other}, which is neither true nor false",
                self.written
            ))),
        }
    }
}
