//! From a specification to values: `Spec`, what a person writes; `Plan`, the same checked
//! and shared; `Generator`, the plan with the state of one device. Owns the list of kinds
//! and who is called for which; what a kind does is in its own file.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::problems::Problems;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::planning::scope::Scope;
use crate::generate::spec::fault::Fault;
use crate::random::Rng;
use crate::time::Instant;

/// A kind's state beside its shared plan.
#[derive(Debug)]
struct PlanState<K: GeneratorKind> {
    plan: Rc<K>,
    state: K::State,
}

// Not derived, since the kind itself need not be cloned.
impl<K: GeneratorKind> Clone for PlanState<K> {
    fn clone(&self) -> Self {
        Self {
            plan: Rc::clone(&self.plan),
            state: self.state.clone(),
        }
    }
}

/// Writes the three enums and the way from one to the next, so that a kind is named once.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $(#[cfg($gate:meta)])? $name:ident($specification:ty),)+) => {
        /// How a value is made: one of these kinds, told apart by `kind`, with the settings
        /// of that kind beside it.
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

        /// A checked kind, shared by all that start from it.
        #[derive(Debug, Clone)]
        pub(crate) enum PlanNode {
            $($(#[cfg($gate)])? $name(Rc<<$specification as Specification>::Plan>),)+
        }

        impl PlanNode {
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
                /// Checks it, to start many devices from.
                ///
                /// # Errors
                /// All that is wrong with it.
                pub fn plan(&self, scope: &Scope) -> Result<Plan, Problems> {
                    plan(scope, |check| {
                        self.check(check).map(|kind| PlanNode::$name(Rc::new(kind)))
                    })
                }

                /// Checks it and starts one device, that refers to no other fields or files.
                ///
                /// # Errors
                /// All that is wrong with it.
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
    /// A random walk, within bounds and drawn back to a mean.
    Walk(crate::generate::random::walk::Walk),
    /// A sine, triangle, square or saw.
    Wave(crate::generate::time::wave::Wave),
    /// A drawn curve, once or again and again.
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
    /// A text with parts that are filled in.
    #[cfg(feature = "templates")]
    Text(crate::generate::fields::template::Text),
    /// A UUID, a ULID, a serial number.
    Id(crate::generate::fields::id::Id),
    /// A moment in one of the usual formats.
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

/// A list of samples, made at a finer interval than the values: a meter that measures each
/// minute and reports each half hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
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

/// Any generator, with faults. The generator goes on behind them: when a fault is over, its
/// values are what they would have been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Faulty {
    /// What the sensor would report.
    pub of: Box<Spec>,
    /// What goes wrong, one after the other: a later fault sees what an earlier one made.
    #[schemars(length(min = 1))]
    pub faults: Vec<Fault>,
    /// Decimals of what the faults made, 0 to 15; 0 gives whole numbers. Absent: as they
    /// come.
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
    check.finish(node).map(|(node, reads)| Plan {
        node,
        reads: reads.into(),
    })
}

impl Spec {
    /// Checks it, to start many devices from. Plan once a cell: what devices share, files
    /// above all, is in the plan.
    ///
    /// # Errors
    /// All that is wrong with it.
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
}

impl Plan {
    /// A device's generator at its birth. Give each field a [stream](Rng::stream) of its
    /// own, so that a field more does not change the values of the others.
    #[must_use]
    pub fn start(&self, rng: Rng) -> Generator {
        self.node.start(rng)
    }

    /// The positions in [`Context::fields`] that it reads: what must have its value first.
    #[must_use]
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }
}

/// One device's generator: the shared plan and its own small state.
#[derive(Debug, Clone)]
pub struct Generator(GeneratorState);

impl Generator {
    /// The value at a moment. Moments must not go back in time.
    ///
    /// # Errors
    /// [`Error::Failed`], with what could not be computed; the state is good for the next
    /// call.
    pub fn next(&mut self, context: &Context<'_>) -> Result<Value, Error> {
        self.0.next(context)
    }

    /// The value as a number.
    ///
    /// # Errors
    /// [`Error::Failed`] as for [`Generator::next`], and when the value is none.
    pub fn number(&mut self, context: &Context<'_>) -> Result<f64, Error> {
        let value = self.next(context)?;
        value
            .as_number()
            .ok_or_else(|| Error::failed(format_args!("{value:?} is no number")))
    }

    /// When the value changes next by itself, for a replay with its original spacing: the
    /// moment to tick next. `None` of kinds that do not know it, and at the end.
    #[must_use]
    pub fn due(&self, context: &Context<'_>) -> Option<Instant> {
        self.0.due(context)
    }

    /// The name of the sensor fault that touched the last value, as its `kind` says it:
    /// `stuck-at`. With it a payload, or a test, knows the truth.
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
