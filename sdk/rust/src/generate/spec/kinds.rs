//! Lists the kinds of generators and turns specifications into generators.
//!
//! A `Spec` is the form that a person writes. A `Plan` is the same, checked and shared. A
//! `Generator` is a plan with the state of one device.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::problems::Problems;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::{Check, PartRead};
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::planning::scope::Scope;
use crate::generate::spec::fault::Fault;
use crate::random::Rng;
use crate::time::Instant;

/// The shared plan of a kind, and a device's state.
#[derive(Debug)]
struct PlanState<K: GeneratorKind> {
    plan: Rc<K>,
    state: K::State,
}

// Not derived, since the plan itself need not be cloned.
impl<K: GeneratorKind> Clone for PlanState<K> {
    fn clone(&self) -> Self {
        Self {
            plan: Rc::clone(&self.plan),
            state: self.state.clone(),
        }
    }
}

/// Defines the three enums and the conversions between them, so that each kind is listed
/// once.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $(#[cfg($gate:meta)])? $name:ident($specification:ty),)+) => {
        /// The specification of a value: one of these kinds, selected by `kind`, with its
        /// settings.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        #[allow(clippy::large_enum_variant, reason = "read once a cell, and not kept")]
        #[non_exhaustive]
        pub enum Spec {
            $($(#[doc = $doc])+ $(#[cfg($gate)])? $name($specification),)+
        }

        impl Spec {
            pub(crate) fn node(&self, check: &mut Check<'_>) -> Option<PlanNode> {
                match self {
                    $($(#[cfg($gate)])? Self::$name(specification) => {
                        specification.check(check).map(|kind| PlanNode::$name(Rc::new(kind)))
                    })+
                }
            }
        }

        /// A checked kind, shared by all generators that start from it.
        #[derive(Debug, Clone)]
        pub(crate) enum PlanNode {
            $($(#[cfg($gate)])? $name(Rc<<$specification as Specification>::Plan>),)+
        }

        impl PlanNode {
            pub(crate) fn known_parts(&self) -> KnownParts {
                match self {
                    $($(#[cfg($gate)])? Self::$name(kind) => kind.known_parts(),)+
                }
            }

            pub(crate) fn start(&self, rng: Rng) -> Generator {
                match self {
                    $($(#[cfg($gate)])? Self::$name(kind) => Generator(GeneratorState::$name(PlanState {
                        plan: Rc::clone(kind),
                        state: GeneratorKind::start(&**kind, rng),
                    })),)+
                }
            }
        }

        #[derive(Debug, Clone)]
        enum GeneratorState {
            $($(#[cfg($gate)])? $name(PlanState<<$specification as Specification>::Plan>),)+
        }

        impl GeneratorState {
            fn next(&mut self, context: &Context<'_>) -> Result<Value, Error> {
                match self {
                    $($(#[cfg($gate)])? Self::$name(running) => running.plan.next(&mut running.state, context),)+
                }
            }

            fn due(&self, context: &Context<'_>) -> Option<Instant> {
                match self {
                    $($(#[cfg($gate)])? Self::$name(running) => running.plan.due(&running.state, context),)+
                }
            }

            fn fault(&self) -> Option<&'static str> {
                match self {
                    $($(#[cfg($gate)])? Self::$name(running) => running.plan.fault(&running.state),)+
                }
            }
        }

        $(
            $(#[cfg($gate)])?
            impl From<$specification> for Spec {
                fn from(specification: $specification) -> Self {
                    Self::$name(specification)
                }
            }

            $(#[cfg($gate)])?
            impl $specification {
                /// Checks it and makes a plan for many devices.
                ///
                /// # Errors
                /// All problems of the specification.
                pub fn plan(&self, scope: &Scope) -> Result<Plan, Problems> {
                    plan(scope, |check| {
                        self.check(check).map(|kind| PlanNode::$name(Rc::new(kind)))
                    })
                }

                /// Checks it and starts the generator of one device. It must not refer to
                /// other fields or files.
                ///
                /// # Errors
                /// All problems of the specification.
                pub fn start(&self, rng: Rng) -> Result<Generator, Problems> {
                    self.plan(&Scope::new()).map(|plan| plan.start(rng))
                }
            }
        )+
    };
}

kinds! {
    /// Always the same value.
    Constant(crate::generate::fields::constant::Constant),
    /// Counts: by value, or by time.
    Counter(crate::generate::fields::constant::Counter),
    /// The value of another field, or a part of it.
    Field(crate::generate::fields::constant::Field),
    /// True or false.
    Chance(crate::generate::random::distributions::Chance),
    /// A number between two bounds, all equally likely.
    Uniform(crate::generate::random::distributions::Uniform),
    /// A number around a mean: the bell curve.
    Normal(crate::generate::random::distributions::Normal),
    /// The time between independent arrivals.
    Exponential(crate::generate::random::arrival::Exponential),
    /// The number of independent arrivals.
    Poisson(crate::generate::random::arrival::Poisson),
    /// A random walk within bounds, pulled back to a mean.
    Walk(crate::generate::random::walk::Walk),
    /// A sine, triangle, square or sawtooth wave.
    Wave(crate::generate::time::wave::Wave),
    /// A drawn curve, once or repeated.
    Curve(crate::generate::time::curve::Curve),
    /// A profile of the day or the week, in a time zone.
    Profile(crate::generate::time::profile::Profile),
    /// One of several values, by chance or in turn.
    Bucket(crate::generate::random::bucket::Bucket),
    /// A Markov chain: the next state depends on the present one.
    Markov(crate::generate::random::markov::Markov),
    /// A position that moves along a route.
    Route(crate::generate::route::spec::Route),
    /// Recorded values, from a data file.
    #[cfg(feature = "files")]
    Replay(crate::generate::replay::spec::Replay),
    /// A value computed from other fields.
    #[cfg(feature = "templates")]
    Expression(crate::generate::fields::template::Expression),
    /// A text with placeholders.
    #[cfg(feature = "templates")]
    Text(crate::generate::fields::template::Text),
    /// A UUID, a ULID, a serial number.
    Id(crate::generate::fields::id::Id),
    /// A timestamp in one of the usual formats.
    Timestamp(crate::generate::time::timestamp::Timestamp),
    /// An object of named generators.
    Object(Object),
    /// A list of samples, made at a finer interval.
    Bulk(Bulk),
    /// Any generator, with sensor faults.
    Faulty(Faulty),
}

/// A named generator for each member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Object {
    /// The members by name.
    pub fields: BTreeMap<String, Spec>,
}

/// A list of samples at a shorter interval than the values: a meter that measures each
/// minute and reports each half hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Bulk {
    /// The number of samples of a value, 1 to 10,000.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: u32,
    /// The time from one sample to the next. The last one has the time of the value, the
    /// others are before it; the oldest comes first.
    pub every: Span,
    /// The generator of a sample, which has the sample's time.
    pub of: Box<Spec>,
}

/// Any generator, with faults. The generator continues during a fault: after it, the values
/// are the same as without one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Faulty {
    /// The generator of the sensor's true values.
    pub of: Box<Spec>,
    /// The faults, in order: a later fault changes the result of an earlier one.
    #[schemars(length(min = 1))]
    pub faults: Vec<Fault>,
    /// Decimals of faulty values, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

fn plan(
    scope: &Scope,
    make: impl FnOnce(&mut Check<'_>) -> Option<PlanNode>,
) -> Result<Plan, Problems> {
    let mut check = Check::new(scope);
    let node = make(&mut check);
    check.finish(node).map(|checked| Plan {
        node: checked.plan,
        reads: checked.reads.into(),
        part_reads: checked.part_reads.into(),
    })
}

impl Spec {
    /// Checks it and makes a plan for many devices. Make one plan a cell: it has the data
    /// that devices share, files above all.
    ///
    /// # Errors
    /// All problems of the specification.
    pub fn plan(&self, scope: &Scope) -> Result<Plan, Problems> {
        plan(scope, |check| self.node(check))
    }
}

impl Check<'_> {
    /// Checks the specification under a key.
    pub(crate) fn node(&mut self, key: &str, spec: &Spec) -> Option<PlanNode> {
        self.within(key, |check| spec.node(check))
    }
}

/// A checked specification: immutable, cheap to copy, shared by the devices of a cell.
#[derive(Debug, Clone)]
pub struct Plan {
    node: PlanNode,
    reads: Rc<[usize]>,
    part_reads: Rc<[PartRead]>,
}

impl Plan {
    /// Starts the generator of a device. Give each field a [stream](Rng::stream) of its
    /// own, so that a new field does not change the values of the others.
    #[must_use]
    pub fn start(&self, rng: Rng) -> Generator {
        self.node.start(rng)
    }

    /// The positions in [`Context::fields`] that it reads. Their values must be made first.
    #[must_use]
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The parts of other names that it reads. [`KnownParts::missing_part`] tells whether they
    /// exist.
    #[must_use]
    pub fn part_reads(&self) -> &[PartRead] {
        &self.part_reads
    }

    /// The parts that its values have.
    #[must_use]
    pub fn known_parts(&self) -> KnownParts {
        self.node.known_parts()
    }
}

/// One device's generator: the shared plan and its own small state.
#[derive(Debug, Clone)]
pub struct Generator(GeneratorState);

impl Generator {
    /// Makes the next value. Times must not go back.
    ///
    /// # Errors
    /// [`Error::Failed`] with the cause; the generator can be called again.
    pub fn next(&mut self, context: &Context<'_>) -> Result<Value, Error> {
        self.0.next(context)
    }

    /// Makes the next value, which must be a number.
    ///
    /// # Errors
    /// [`Error::Failed`] as for [`Generator::next`], and when the value is not a number.
    pub fn number(&mut self, context: &Context<'_>) -> Result<f64, Error> {
        let value = self.next(context)?;
        value
            .as_number()
            .ok_or_else(|| Error::failed(format_args!("{value:?} is no number")))
    }

    /// The time of the next change of the value, for the next tick of a replay with
    /// recorded times. `None` for kinds that do not know it, and at the end.
    #[must_use]
    pub fn due(&self, context: &Context<'_>) -> Option<Instant> {
        self.0.due(context)
    }

    /// The sensor fault of the last value by its `kind`, such as `stuck-at`. A payload or a
    /// test can compare it with the alarm of the backend.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        self.0.fault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::TestGenerator;

    #[test]
    fn a_generator_is_small_since_a_fleet_has_many() {
        assert!(size_of::<Value>() <= 24, "{}", size_of::<Value>());
        assert!(size_of::<Generator>() <= 40, "{}", size_of::<Generator>());
    }

    #[test]
    fn a_setting_is_read_and_written_by_its_kind() {
        let text = r#"{"kind":"bucket","values":[1,"x"],"weights":[1.0,2.0],"order":"random"}"#;
        let spec: Spec = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        let wrong = |text: &str| serde_json::from_str::<Spec>(text).unwrap_err().to_string();
        let unknown = wrong(r#"{"kind":"wlak"}"#);
        assert!(
            unknown.starts_with("unknown variant `wlak`, expected one of `constant`"),
            "{unknown}"
        );
        let key = wrong(r#"{"kind":"chance","probability":1,"stpe":1}"#);
        assert!(
            key.starts_with("unknown field `stpe`, expected `probability`"),
            "{key}"
        );
    }

    #[test]
    fn the_schema_describes_each_kind_and_each_setting() {
        let schema = serde_json::Value::from(schemars::schema_for!(Spec));
        let kinds = schema["oneOf"].as_array().unwrap();
        assert!(kinds.len() >= 19, "{}", kinds.len());
        for kind in kinds {
            assert!(kind["properties"]["kind"]["const"].is_string(), "{kind}");
            assert!(kind["description"].is_string(), "{kind}");
        }
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            let settings = definition["properties"].as_object();
            for (key, setting) in settings.into_iter().flatten() {
                let described = setting["description"].is_string() || setting["const"].is_string();
                assert!(described, "{name}.{key}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_values_and_another_one_others() {
        let spec = || crate::generate::random::distributions::Normal::new(0.0, 1.0);
        let values = |seed| TestGenerator::seeded(spec(), seed).values(5);
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }
}
