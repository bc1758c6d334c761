//! Makes constants, counters and copies of other fields.

use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::part_path::PartPath;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::time::origin::Origin;
use crate::random::Rng;

/// Always the same value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Constant {
    /// The value: a number, a text, a boolean, null, a list or an object.
    pub value: serde_json::Value,
}

impl Constant {
    /// A constant with this value.
    pub fn new(value: impl Into<serde_json::Value>) -> Self {
        Self {
            value: value.into(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ConstantPlan(Value);

impl Specification for Constant {
    type Plan = ConstantPlan;

    fn check(&self, _: &mut Check<'_>) -> Option<ConstantPlan> {
        Some(ConstantPlan(Value::from(&self.value)))
    }
}

impl GeneratorKind for ConstantPlan {
    type State = ();

    fn start(&self, _: Rng) {}

    fn next(&self, (): &mut (), _: &Context<'_>) -> Result<Value, Error> {
        Ok(self.0.clone())
    }

    fn known_parts(&self) -> KnownParts {
        KnownParts::from(&self.0)
    }
}

/// Counts: one step a value or, with `every`, one step an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Counter {
    /// The first value.
    pub start: i64,
    /// The increment of each step; below zero to count down.
    pub step: i64,
    /// The last value, after which `start` follows again. It must be reachable from
    /// `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Steps after each of these intervals instead of with each value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// The time from which `every` counts.
    pub origin: Origin,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            start: 0,
            step: 1,
            until: None,
            every: None,
            origin: Origin::Born,
        }
    }
}

impl Counter {
    /// A counter with the values 0, 1, 2 and so on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts with this value.
    #[must_use]
    pub const fn from(self, start: i64) -> Self {
        Self { start, ..self }
    }

    /// Adds this with each step.
    #[must_use]
    pub const fn step(self, step: i64) -> Self {
        Self { step, ..self }
    }

    /// Starts again after this value.
    #[must_use]
    pub const fn until(self, last: i64) -> Self {
        Self {
            until: Some(last),
            ..self
        }
    }

    /// Steps after each of these intervals.
    #[must_use]
    pub fn every(self, length: impl Into<Span>) -> Self {
        Self {
            every: Some(length.into()),
            ..self
        }
    }
}

impl Specification for Counter {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        if let Some(every) = self.every {
            check.require_duration("every", every);
        }
        if let Some(until) = self.until {
            let ahead = i128::from(until) - i128::from(self.start);
            check.require(
                self.step != 0 && ahead.signum() * i128::from(self.step.signum()) >= 0,
                "until",
                format_args!(
                    "{until} is never reached from {} in steps of {}; give a value that lies ahead",
                    self.start, self.step
                ),
            );
        }
        Some(self.clone())
    }
}

impl GeneratorKind for Counter {
    /// The number of steps, when they are counted by value.
    type State = u64;

    fn start(&self, _: Rng) -> u64 {
        0
    }

    fn next(&self, steps: &mut u64, context: &Context<'_>) -> Result<Value, Error> {
        let count = match self.every {
            Some(every) => {
                let elapsed = u64::try_from(self.origin.elapsed(context)).unwrap_or(0);
                elapsed / every.micros().max(1)
            }
            None => {
                let count = *steps;
                *steps = steps.wrapping_add(1);
                count
            }
        };
        let (start, step) = (i128::from(self.start), i128::from(self.step));
        let count = match self.until {
            Some(until) if step != 0 => {
                let round = (i128::from(until) - start) / step + 1;
                i128::from(count) % round.max(1)
            }
            _ => i128::from(count),
        };
        i64::try_from(start + count * step)
            .map(Value::Integer)
            .map_err(|_| {
                Error::failed("the counter left the whole numbers of 64 bits; give it an until")
            })
    }
}

/// The value of another field, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Field {
    /// The field's name and, after points, the part of it: `position.lat`, `samples.0`. A
    /// part with points or brackets in its name is in brackets: `row["a.b"]`.
    pub name: String,
}

impl Field {
    /// The value at a path: a field's name and, after points, the part of it.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

#[derive(Debug)]
pub(crate) struct FieldPlan {
    position: usize,
    name: String,
    parts: Rc<[Rc<str>]>,
}

impl Specification for Field {
    type Plan = FieldPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<FieldPlan> {
        let path = PartPath::parse(&self.name)
            .map_err(|why| check.report("name", why))
            .ok()?;
        let Some(position) = check.part_reference("name", &path.name, &path.parts) else {
            let names = check.known_names();
            check.report(
                "name",
                format_args!("no field is called {:?}; {names}", path.name),
            );
            return None;
        };
        Some(FieldPlan {
            position,
            name: self.name.clone(),
            parts: path.parts,
        })
    }
}

impl GeneratorKind for FieldPlan {
    type State = ();

    fn start(&self, _: Rng) {}

    fn next(&self, (): &mut (), context: &Context<'_>) -> Result<Value, Error> {
        match context.fields.get(self.position) {
            // A part of a missing value is missing, too.
            None | Some(Value::Missing) => Ok(Value::Missing),
            Some(value) => value.at(&self.parts).cloned().ok_or_else(|| {
                Error::failed(format_args!(
                    "there is no {}: the field is {value}",
                    self.name
                ))
            }),
        }
    }

    fn known_parts(&self) -> KnownParts {
        KnownParts::Part(self.position, Rc::clone(&self.parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    #[test]
    fn a_counter_counts_by_value_or_by_time() {
        let mut life = TestGenerator::new(Counter::new().from(5).step(-2).until(0));
        assert_eq!(life.json(4), "[5,3,1,5]");
        let slow = Counter::new().every(Span::from_micros(2_500_000));
        assert_eq!(TestGenerator::new(slow).json(7), "[0,0,0,1,1,2,2]");
    }

    #[test]
    fn invalid_counter_is_refused() {
        assert_eq!(
            problems_of(&Counter::new().until(-1)),
            "until: -1 is never reached from 0 in steps of 1; give a value that lies ahead"
        );
        let mut end = TestGenerator::new(Counter::new().from(i64::MAX));
        assert!(end.next().is_ok());
        assert!(end.next().unwrap_err().to_string().contains("64 bits"));
    }

    #[test]
    fn a_field_is_read_by_name_and_part() {
        assert_eq!(
            problems_of(&Field::new("speed.x")),
            "name: no field is called \"speed\"; there are no fields to refer to"
        );
    }
}
