//! Combines generators: an object of named ones, and a series of samples.

use std::rc::Rc;

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::spec::kinds::{Bulk, Generator, Object, PlanNode, Spec};
use crate::random::Rng;
use crate::time::Instant;

impl Object {
    /// An object of these members.
    pub fn new<N: Into<String>, S: Into<Spec>>(fields: impl IntoIterator<Item = (N, S)>) -> Self {
        let member = |(name, spec): (N, S)| (name.into(), spec.into());
        Self {
            fields: fields.into_iter().map(member).collect(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ObjectPlan(Vec<(Rc<str>, PlanNode)>);

impl Specification for Object {
    type Plan = ObjectPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<ObjectPlan> {
        let mut members = Some(Vec::new());
        for (name, spec) in &self.fields {
            let node = check.node(&format!("fields.{name}"), spec);
            match (node, &mut members) {
                (Some(node), Some(members)) => members.push((Rc::from(name.as_str()), node)),
                _ => members = None,
            }
        }
        members.map(ObjectPlan)
    }
}

impl GeneratorKind for ObjectPlan {
    type State = Box<[Generator]>;

    fn start(&self, rng: Rng) -> Self::State {
        let start = |(name, node): &(Rc<str>, PlanNode)| node.start(rng.stream(name));
        self.0.iter().map(start).collect()
    }

    fn next(&self, state: &mut Self::State, context: &Context<'_>) -> Result<Value, Error> {
        let members = self.0.iter().zip(state.iter_mut());
        members
            .map(|((name, _), generator)| {
                let value = generator
                    .next(context)
                    .map_err(|error| prefix_error(name, error))?;
                Ok((Rc::clone(name), value))
            })
            .collect::<Result<_, Error>>()
            .map(Value::Object)
    }

    fn known_parts(&self) -> KnownParts {
        let members = self.0.iter();
        KnownParts::members(members.map(|(name, node)| (Rc::clone(name), node.known_parts())))
    }

    fn due(&self, state: &Self::State, context: &Context<'_>) -> Option<Instant> {
        state
            .iter()
            .filter_map(|generator| generator.due(context))
            .min()
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.iter().find_map(Generator::fault)
    }
}

/// Adds the name of a part to its error.
fn prefix_error(name: &str, error: Error) -> Error {
    match error {
        Error::Failed(why) => Error::Failed(format!("{name}: {why}")),
        other => other,
    }
}

impl Bulk {
    /// This many samples, with this time from one to the next.
    #[must_use]
    pub fn new(count: u32, every: impl Into<Span>, of: impl Into<Spec>) -> Self {
        Self {
            count,
            every: every.into(),
            of: Box::new(of.into()),
        }
    }
}

#[derive(Debug)]
pub(crate) struct BulkPlan {
    count: u32,
    every: Span,
    of: PlanNode,
}

impl Specification for Bulk {
    type Plan = BulkPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<BulkPlan> {
        check.require(
            (1..=10_000).contains(&self.count),
            "count",
            format_args!("{} samples; 1 to 10,000 are right", self.count),
        );
        check.require_duration("every", self.every);
        Some(BulkPlan {
            count: self.count,
            every: self.every,
            of: check.node("of", &self.of)?,
        })
    }
}

impl GeneratorKind for BulkPlan {
    type State = Box<Generator>;

    fn start(&self, rng: Rng) -> Self::State {
        Box::new(self.of.start(rng.stream("of")))
    }

    fn next(&self, generator: &mut Self::State, context: &Context<'_>) -> Result<Value, Error> {
        let sample = |place: u32| {
            let before = u64::from(self.count - 1 - place).saturating_mul(self.every.micros());
            let moment = Context {
                now: Instant::from_micros(context.now.micros().saturating_sub(before)),
                ..*context
            };
            generator
                .next(&moment)
                .map_err(|error| prefix_error(&format!("sample {place}"), error))
        };
        (0..self.count)
            .map(sample)
            .collect::<Result<_, Error>>()
            .map(Value::Array)
    }

    fn known_parts(&self) -> KnownParts {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        KnownParts::Entries(count, Rc::new(self.of.known_parts()))
    }

    fn fault(&self, generator: &Self::State) -> Option<&'static str> {
        generator.fault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::fields::constant::Counter;
    use crate::generate::random::distributions::{Normal, Uniform};
    use crate::generate::testing::{TestGenerator, problems_of};
    use crate::generate::time::timestamp::{Format, Timestamp};

    #[test]
    fn bulk_samples_carry_their_own_times() {
        let sample = Object::new([
            ("at", Spec::from(Timestamp::new(Format::UnixMs))),
            ("n", Spec::from(Counter::new())),
        ]);
        let bulk = Bulk::new(3, Span::from_micros(20_000), sample);
        let mut life = TestGenerator::new(bulk).at("2026-11-24T07:30:00Z");
        let [first, second] = [0, 1].map(|_| life.json(1));
        assert_eq!(
            first,
            r#"[[{"at":1795505399960,"n":0},{"at":1795505399980,"n":1},{"at":1795505400000,"n":2}]]"#
        );
        assert!(
            second.starts_with(r#"[[{"at":1795505400960,"n":3}"#),
            "{second}"
        );
    }

    #[test]
    fn a_member_more_does_not_change_the_values_of_the_others() {
        let number = || Spec::from(Normal::new(0.0, 1.0));
        let one = TestGenerator::new(Object::new([("b", number())])).values(3);
        let two = TestGenerator::new(Object::new([("a", number()), ("b", number())])).values(3);
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.part("b"), two.part("b"));
            assert_ne!(two.part("a"), two.part("b"));
        }
    }

    #[test]
    fn nested_problem_has_its_path() {
        let wrong = Object::new([
            ("x", Uniform::new(2.0..=1.0)),
            ("y", Uniform::new(0.0..=1.0)),
        ]);
        assert_eq!(
            problems_of(&Bulk::new(0, Span::from_micros(0), wrong)),
            "count: 0 samples; 1 to 10,000 are right\n\
             every: no time at all; it must be above zero, such as \"1s\"\n\
             of.fields.x.min: 2 lies above max, 1; the lower one is min"
        );
    }

    #[test]
    fn an_error_names_the_sample_and_the_member() {
        let wrong = Object::new([("n", Counter::new().from(i64::MAX))]);
        let error = TestGenerator::new(Bulk::new(2, Span::from_micros(1), wrong))
            .next()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("sample 1: n: the counter left"),
            "{error}"
        );
    }
}
