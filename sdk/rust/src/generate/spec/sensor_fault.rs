//! Applies sensor faults to the values of a generator.

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::number::{micros_as_f64, number};
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::spec::fault::{Fault, FaultWindow};
use crate::generate::spec::kinds::{Faulty, Generator, PlanNode, Spec};
use crate::random::Rng;
use crate::time::Instant;

impl Faulty {
    /// A generator without faults; [`Faulty::fault`] adds one.
    pub fn new(of: impl Into<Spec>) -> Self {
        Self {
            of: Box::new(of.into()),
            faults: Vec::new(),
            decimals: None,
        }
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: impl Into<Fault>) -> Self {
        self.faults.push(fault.into());
        self
    }

    /// Rounds faulty values to this many decimals.
    #[must_use]
    pub fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }
}

#[derive(Debug)]
pub(crate) struct FaultyPlan {
    pub(crate) of: PlanNode,
    pub(crate) faults: Vec<(Fault, FaultWindow)>,
    pub(crate) decimals: Option<u8>,
}

/// The state of a device's faults.
#[derive(Debug, Clone)]
pub(crate) struct FaultyState {
    of: Generator,
    rng: Rng,
    faults: Box<[ActiveFault]>,
    label: Option<&'static str>,
}

/// One fault of a device.
#[derive(Debug, Clone, Default)]
struct ActiveFault {
    /// The time since which it is active; `None` when it is not.
    since: Option<Instant>,
    /// The value at which the sensor is stuck.
    held: Option<Value>,
}

impl Specification for Faulty {
    type Plan = FaultyPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<FaultyPlan> {
        let of = check.node("of", &self.of);
        check.require_decimals(self.decimals);
        check.require(
            !self.faults.is_empty(),
            "faults",
            "a faulty sensor has one fault at least",
        );
        let _ = check.each("faults", &self.faults, |check, fault| {
            let when = fault.when();
            check.require_probability("chance", when.chance);
            check.require(
                when.until.is_none_or(|until| when.after < until),
                "until",
                format_args!(
                    "it never begins, since after, {}, comes first; until must be later",
                    when.after
                ),
            );
            match fault {
                Fault::Spike(spike) => check.require_finite("by", spike.by),
                Fault::Drift(drift) => check.require_finite("per-hour", drift.per_hour),
                Fault::Noise(noise) => check.require_not_negative("deviation", noise.deviation),
                Fault::OutOfRange(out) => check.require_finite("value", out.value),
                _ => true,
            };
            Some(())
        });
        Some(FaultyPlan {
            of: of?,
            faults: self
                .faults
                .iter()
                .map(|fault| (fault.clone(), fault.when()))
                .collect(),
            decimals: self.decimals,
        })
    }
}

impl FaultWindow {
    /// The time since which the fault is active, if it is.
    fn active_since(
        &self,
        active: &mut ActiveFault,
        rng: &mut Rng,
        context: &Context<'_>,
    ) -> Option<Instant> {
        let age = Span::from(context.now.since(context.device.born));
        if self.until.is_some_and(|until| age >= until) {
            *active = ActiveFault::default();
            return None;
        }
        let going = active
            .since
            .filter(|since| Span::from(context.now.since(*since)) < self.lasts);
        if going.is_none() {
            // Drawn even when it is certain: the draws of other faults do not depend on it.
            let begins = rng.chance(self.chance) && age >= self.after;
            let still = begins && active.since.is_some() && self.chance >= 1.0;
            if !still {
                *active = ActiveFault {
                    since: begins.then_some(context.now),
                    held: None,
                };
            }
        }
        active.since
    }
}

impl GeneratorKind for FaultyPlan {
    type State = Box<FaultyState>;

    fn start(&self, rng: Rng) -> Box<FaultyState> {
        Box::new(FaultyState {
            of: self.of.start(rng.stream("of")),
            rng: rng.stream("faults"),
            faults: vec![ActiveFault::default(); self.faults.len()].into(),
            label: None,
        })
    }

    fn next(&self, state: &mut Self::State, context: &Context<'_>) -> Result<Value, Error> {
        let FaultyState {
            of,
            rng,
            faults,
            label,
        } = &mut **state;
        *label = None;
        let mut moment = *context;
        for ((fault, when), active) in self.faults.iter().zip(faults.iter_mut()) {
            if when.active_since(active, rng, context).is_some() {
                *label = Some(fault.label());
                if let Fault::SkewedClock(skewed) = fault {
                    moment.now = skewed.by.apply(moment.now);
                }
            }
        }
        let mut value = of.next(&moment)?;
        for ((fault, _), active) in self.faults.iter().zip(faults.iter_mut()) {
            if let Some(since) = active.since {
                value = apply(value, fault, active, since, rng, context)?;
            }
        }
        match (label, self.decimals) {
            (Some(_), Some(decimals)) => map_numbers(&value, &mut |value| value, Some(decimals)),
            _ => Ok(value),
        }
    }

    fn known_parts(&self) -> KnownParts {
        self.of.known_parts()
    }

    fn due(&self, state: &Self::State, context: &Context<'_>) -> Option<Instant> {
        state.of.due(context)
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.label.or_else(|| state.of.fault())
    }
}

/// Applies an active fault to a value.
fn apply(
    value: Value,
    fault: &Fault,
    active: &mut ActiveFault,
    since: Instant,
    rng: &mut Rng,
    context: &Context<'_>,
) -> Result<Value, Error> {
    match fault {
        Fault::Spike(spike) => {
            let up = rng.chance(0.5);
            map_numbers(
                &value,
                &mut |value| {
                    if up {
                        value + spike.by
                    } else {
                        value - spike.by
                    }
                },
                None,
            )
        }
        Fault::Drift(drift) => {
            let micros =
                i64::try_from(Span::from(context.now.since(since)).micros()).unwrap_or(i64::MAX);
            let strayed = drift.per_hour * (micros_as_f64(micros) / 3.6e9);
            map_numbers(&value, &mut |value| value + strayed, None)
        }
        Fault::Noise(noise) => map_numbers(
            &value,
            &mut |value| rng.normal(value, noise.deviation),
            None,
        ),
        Fault::StuckAt(_) => Ok(active.held.get_or_insert(value).clone()),
        Fault::Missing(_) => Ok(Value::Missing),
        Fault::Null(_) => Ok(Value::Null),
        Fault::OutOfRange(out) => map_numbers(&value, &mut |_| out.value, None),
        Fault::WrongType(_) => Ok(match &value {
            #[expect(clippy::cast_possible_wrap, reason = "a text is shorter than 2^63")]
            Value::Text(text) => Value::Integer(text.chars().count() as i64),
            Value::Missing => Value::Missing,
            other => Value::text(other.to_string()),
        }),
        Fault::SkewedClock(_) => Ok(value),
    }
}

/// Changes each number of a value, also in lists and objects. Integers stay integers when
/// the changed number is whole.
fn map_numbers(
    value: &Value,
    change: &mut dyn FnMut(f64) -> f64,
    decimals: Option<u8>,
) -> Result<Value, Error> {
    match value {
        value if value.is_number() => {
            let old = value.as_number().unwrap_or(0.0);
            let new = change(old);
            let was_whole = value.as_whole().is_some();
            // An unchanged number keeps digits that a float has not.
            #[expect(clippy::float_cmp, reason = "not changed at all")]
            if was_whole && new == old {
                return Ok(value.clone());
            }
            let whole = was_whole && new.fract() == 0.0;
            number(new, if whole { Some(0) } else { decimals })
        }
        Value::Array(values) => {
            let values = values
                .iter()
                .map(|value| map_numbers(value, change, decimals));
            values.collect::<Result<_, Error>>().map(Value::Array)
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok((name.clone(), map_numbers(value, change, decimals)?)));
            members.collect::<Result<_, Error>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::common::span::Shift;
    use crate::generate::fields::constant::{Constant, Counter};
    use crate::generate::random::bucket::Bucket;
    use crate::generate::spec::fault::*;
    use crate::generate::testing::{BORN, TestGenerator, problems_of};
    use crate::generate::time::timestamp::{Format, Timestamp};

    const fn seconds(seconds: u64) -> Span {
        Span::from_micros(seconds * 1_000_000)
    }

    fn counting(fault: impl Into<Fault>) -> String {
        TestGenerator::new(Faulty::new(Counter::new()).fault(fault)).json(7)
    }

    #[test]
    fn faults_change_values_and_leave_the_generator_running() {
        let (from, to) = (seconds(2), seconds(5));
        let stuck = StuckAt::new().after(from).until(to);
        assert_eq!(counting(stuck), "[0,1,2,2,2,5,6]");
        assert_eq!(
            counting(Missing::new().after(from).until(to)),
            "[0,1,null,null,null,5,6]"
        );
        assert_eq!(
            counting(Null::new().after(seconds(6))),
            "[0,1,2,3,4,5,null]"
        );
        let drift = Drift::new(3_600.0).after(from).until(to);
        assert_eq!(counting(drift), "[0,1,2,4,6,5,6]");
        let out = OutOfRange::new(-999.0).after(from).until(to);
        assert_eq!(counting(out), "[0,1,-999,-999,-999,5,6]");
        let wrong = WrongType::new().after(from).until(to);
        assert_eq!(counting(wrong), r#"[0,1,"2","3","4",5,6]"#);
        let late = Faulty::new(Timestamp::new(Format::UnixS))
            .fault(SkewedClock::new(Shift::from_micros(-60_000_000)).after(seconds(1)));
        let found = TestGenerator::new(late).numbers(2);
        assert_eq!(found[1] - found[0], 1.0 - 60.0);
    }

    #[test]
    fn spikes_have_their_probability_and_go_both_ways() {
        let spiky = Faulty::new(Constant::new(5)).fault(Spike::new(20.0).chance(0.1));
        let found = TestGenerator::new(spiky).numbers(100_000);
        let count = |value: f64| found.iter().filter(|found| **found == value).count();
        // Five standard deviations of a count: sqrt(100,000 * 0.05 * 0.95) = 69.
        assert!(count(25.0).abs_diff(5_000) < 345, "{}", count(25.0));
        assert!(count(-15.0).abs_diff(5_000) < 345, "{}", count(-15.0));
        assert_eq!(count(25.0) + count(-15.0) + count(5.0), 100_000);
    }

    #[test]
    fn fault_lasts_for_its_duration_and_has_a_name() {
        let stuck = StuckAt::new().chance(0.05).lasts(seconds(4));
        let plan = Spec::from(Faulty::new(Counter::new()).fault(stuck));
        let mut life = TestGenerator::new(plan);
        let mut runs = Vec::new();
        let mut run = 0;
        for _ in 0..2_000 {
            life.next().unwrap();
            if life.fault() == Some("stuck-at") {
                run += 1;
            } else if run > 0 {
                runs.push(run);
                run = 0;
            }
        }
        assert!(runs.len() > 30);
        // Another fault may begin right after one has ended.
        assert!(runs.iter().all(|run| run % 4 == 0), "{runs:?}");
    }

    #[test]
    fn noise_changes_each_number_of_a_list() {
        let noisy = Faulty::new(Constant::new(vec![1.0, 2.0]))
            .fault(Noise::new(0.5))
            .decimals(3);
        let value = TestGenerator::new(noisy).next().unwrap();
        let (first, second) = (value.part("0").unwrap(), value.part("1").unwrap());
        assert!((first.as_number().unwrap() - 1.0).abs() < 3.0);
        assert_ne!(
            first.as_number().unwrap() + 1.0,
            second.as_number().unwrap()
        );
    }

    #[test]
    fn without_a_fault_values_are_those_of_the_generator() {
        let spec = Bucket::new(["a", "b", "c"]);
        let never = Faulty::new(spec.clone()).fault(Null::new().chance(0.0));
        let mut bare = TestGenerator::new(spec);
        let mut life = TestGenerator::new(never);
        // The seeds are of different streams: the same kind of values, and no fault.
        assert!(
            life.values(100)
                .iter()
                .all(|value| value.as_text().is_some())
        );
        assert!(
            bare.values(100)
                .iter()
                .all(|value| value.as_text().is_some())
        );
        assert_eq!(life.fault(), None);
        assert!(life.now > BORN);
    }

    #[test]
    fn invalid_fault_is_refused_with_paths() {
        let faulty = Faulty::new(Counter::new())
            .fault(Spike::new(f64::INFINITY).chance(1.5))
            .fault(Noise::new(-1.0).after(seconds(9)).until(seconds(9)));
        assert_eq!(
            problems_of(&faulty),
            "faults.0.chance: 1.5 is no probability; it lies between 0 and 1\n\
             faults.0.by: inf is no number to work with; a finite one is\n\
             faults.1.until: it never begins, since after, 9s, comes first; until must be later\n\
             faults.1.deviation: -1 is below zero; 0 and more is right"
        );
        assert_eq!(
            problems_of(&Faulty::new(Counter::new())),
            "faults: a faulty sensor has one fault at least"
        );
    }
}
