//! Values made of values: an object of named generators, and a series of samples.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::at::At;
use super::kind::{Kind, Specified};
use super::plan::{Generator, Node, Spec};
use super::problems::Check;
use super::span::Span;
use super::value::Value;

/// A named generator for each member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Object {
    /// The members by name.
    pub fields: BTreeMap<String, Spec>,
}

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
pub(super) struct Members(Vec<(Rc<str>, Node)>);

impl Specified for Object {
    type Kind = Members;

    fn check(&self, check: &mut Check<'_>) -> Option<Members> {
        let mut members = Some(Vec::new());
        for (name, spec) in &self.fields {
            let node = check.node(&format!("fields.{name}"), spec);
            match (node, &mut members) {
                (Some(node), Some(members)) => members.push((Rc::from(name.as_str()), node)),
                _ => members = None,
            }
        }
        members.map(Members)
    }
}

impl Kind for Members {
    type State = Box<[Generator]>;

    fn start(&self, rng: Rng) -> Self::State {
        let start = |(name, node): &(Rc<str>, Node)| node.start(rng.stream(name));
        self.0.iter().map(start).collect()
    }

    fn next(&self, state: &mut Self::State, at: &At<'_>) -> Result<Value, Error> {
        let members = self.0.iter().zip(state.iter_mut());
        members
            .map(|((name, _), generator)| {
                let value = generator.next(at).map_err(|error| of(name, error))?;
                Ok((Rc::clone(name), value))
            })
            .collect::<Result<_, Error>>()
            .map(Value::Object)
    }

    fn due(&self, state: &Self::State, at: &At<'_>) -> Option<Instant> {
        state.iter().filter_map(|generator| generator.due(at)).min()
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.iter().find_map(Generator::fault)
    }
}

/// The error of a part, with the part's name.
fn of(name: &str, error: Error) -> Error {
    match error {
        Error::Failed(why) => Error::Failed(format!("{name}: {why}")),
        other => other,
    }
}

/// A list of samples, made at a finer interval than the values: a meter that measures each
/// minute and reports each half hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bulk {
    /// How many samples a value has, 1 to 10,000.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: u32,
    /// The time from one sample to the next. The last one is made at the value's own
    /// moment, the others before it; the oldest comes first.
    pub every: Span,
    /// What a sample is. In it, the moment is the sample's own.
    pub of: Box<Spec>,
}

impl Bulk {
    /// So many samples, so long from one to the next.
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
pub(super) struct Series {
    count: u32,
    every: Span,
    of: Node,
}

impl Specified for Bulk {
    type Kind = Series;

    fn check(&self, check: &mut Check<'_>) -> Option<Series> {
        check.expect(
            (1..=10_000).contains(&self.count),
            "count",
            format_args!("{} samples; 1 to 10,000 are right", self.count),
        );
        check.some_time("every", self.every);
        Some(Series {
            count: self.count,
            every: self.every,
            of: check.node("of", &self.of)?,
        })
    }
}

impl Kind for Series {
    type State = Box<Generator>;

    fn start(&self, rng: Rng) -> Self::State {
        Box::new(self.of.start(rng.stream("of")))
    }

    fn next(&self, generator: &mut Self::State, at: &At<'_>) -> Result<Value, Error> {
        let sample = |place: u32| {
            let before = u64::from(self.count - 1 - place).saturating_mul(self.every.micros());
            let moment = At {
                now: Instant::from_micros(at.now.micros().saturating_sub(before)),
                sequence: at.sequence.saturating_mul(u64::from(self.count)) + u64::from(place),
                ..*at
            };
            generator
                .next(&moment)
                .map_err(|error| of(&format!("sample {place}"), error))
        };
        (0..self.count)
            .map(sample)
            .collect::<Result<_, Error>>()
            .map(Value::Array)
    }

    fn fault(&self, generator: &Self::State) -> Option<&'static str> {
        generator.fault()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Life, problems};
    use super::super::timestamp::{Format, Timestamp};
    use super::super::{Counter, Normal, Uniform};
    use super::*;

    #[test]
    fn a_bulk_has_the_samples_since_the_value_before_each_at_its_time() {
        let sample = Object::new([
            ("at", Spec::from(Timestamp::new(Format::UnixMs))),
            ("n", Spec::from(Counter::new())),
        ]);
        let bulk = Bulk::new(3, Span::from_micros(20_000), sample);
        let mut life = Life::new(bulk).at("2026-11-24T07:30:00Z");
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
        let one = Life::new(Object::new([("b", number())])).values(3);
        let two = Life::new(Object::new([("a", number()), ("b", number())])).values(3);
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.part("b"), two.part("b"));
            assert_ne!(two.part("a"), two.part("b"));
        }
    }

    #[test]
    fn what_is_wrong_deep_inside_has_its_path() {
        let wrong = Object::new([
            ("x", Uniform::new(2.0..=1.0)),
            ("y", Uniform::new(0.0..=1.0)),
        ]);
        assert_eq!(
            problems(&Bulk::new(0, Span::from_micros(0), wrong)),
            "count: 0 samples; 1 to 10,000 are right\n\
             every: no time at all; it must be above zero, such as \"1s\"\n\
             of.fields.x.min: 2 lies above max, 1; the lower one is min"
        );
    }

    #[test]
    fn an_error_names_the_sample_and_the_member() {
        let wrong = Object::new([("n", Counter::new().from(i64::MAX))]);
        let error = Life::new(Bulk::new(2, Span::from_micros(1), wrong))
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
