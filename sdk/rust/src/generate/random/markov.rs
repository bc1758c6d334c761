//! Walks through a Markov chain.
//!
//! The next state depends on the present one and on chance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::random::bucket::{cumulative_sums, weighted_index};
use crate::random::Rng;
use crate::time::Instant;

/// Steps at most between two values of a chain with `every`. After this many steps, most
/// chains no longer depend on their earlier state.
const MAX_STEPS_PER_VALUE: u64 = 10_000;

/// A state of a chain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct State {
    /// The value in this state. Absent: the state's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// The probability of each next state, 0 to 1. The remainder to 1 is the probability to
    /// stay.
    pub to: BTreeMap<String, f64>,
}

/// States, and the probability that one leads to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Markov {
    /// The states by name.
    #[schemars(length(min = 1))]
    pub states: BTreeMap<String, State>,
    /// The first state.
    pub start: String,
    /// Takes a step after each of these intervals. Absent: a step a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
}

impl Markov {
    /// A chain that begins in this state; [`Markov::state`] adds it and the others.
    pub fn new(start: impl Into<String>) -> Self {
        Self {
            states: BTreeMap::new(),
            start: start.into(),
            every: None,
        }
    }

    /// Adds a state with the probabilities of the next states.
    #[must_use]
    pub fn state<'a>(
        mut self,
        name: impl Into<String>,
        to: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Self {
        let to = to
            .into_iter()
            .map(|(name, chance)| (name.to_owned(), chance));
        let state = State {
            value: None,
            to: to.collect(),
        };
        self.states.insert(name.into(), state);
        self
    }

    /// Takes a step after each of these intervals.
    #[must_use]
    pub fn every(self, length: impl Into<Span>) -> Self {
        Self {
            every: Some(length.into()),
            ..self
        }
    }
}

#[derive(Debug)]
pub(crate) struct MarkovPlan {
    states: Vec<MarkovNode>,
    start: usize,
    every: Option<Span>,
}

#[derive(Debug)]
struct MarkovNode {
    value: Value,
    /// The sums of the probabilities up to each of `next`; the last one is 1.
    sums: Vec<f64>,
    next: Vec<usize>,
}

impl Specification for Markov {
    type Plan = MarkovPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<MarkovPlan> {
        let known: Vec<&str> = self.states.keys().map(String::as_str).collect();
        let find = |check: &mut Check<'_>, key: &str, name: &str| {
            let found = known.binary_search(&name).ok();
            check.require(
                found.is_some(),
                key,
                format_args!(
                    "no state is called {name:?}; there are {}",
                    known.join(", ")
                ),
            );
            found
        };
        let start = find(check, "start", &self.start);
        if let Some(every) = self.every {
            check.require_duration("every", every);
        }
        let mut states = Vec::new();
        for (own, (name, state)) in self.states.iter().enumerate() {
            let key = format!("states.{name}.to");
            let (mut weights, mut next) = (Vec::new(), Vec::new());
            for (other, chance) in &state.to {
                let found = find(check, &key, other);
                check.require_probability(&format!("{key}.{other}"), *chance);
                weights.push(*chance);
                next.push(found.unwrap_or(0));
            }
            let sum: f64 = weights.iter().sum();
            check.require(
                sum <= 1.0 + 1e-9,
                &key,
                format_args!("the probabilities add up to {sum}; at most 1 is right"),
            );
            weights.push((1.0 - sum).max(0.0));
            next.push(own);
            states.push(MarkovNode {
                value: state
                    .value
                    .as_ref()
                    .map_or_else(|| Value::text(name.as_str()), Value::from),
                sums: cumulative_sums(&weights),
                next,
            });
        }
        Some(MarkovPlan {
            states,
            start: start?,
            every: self.every,
        })
    }
}

/// The position of a device in its chain.
#[derive(Debug, Clone)]
pub(crate) struct MarkovState {
    rng: Rng,
    /// The time up to which steps were taken; 0 before the first value.
    stepped: Instant,
    state: u32,
}

impl MarkovPlan {
    fn step(&self, state: &mut MarkovState) {
        let present = usize::try_from(state.state).unwrap_or(0);
        let Some(node) = self.states.get(present) else {
            return;
        };
        let chosen = weighted_index(&node.sums, state.rng.unit());
        let next = node.next.get(chosen).copied().unwrap_or(present);
        state.state = u32::try_from(next).unwrap_or(0);
    }
}

impl GeneratorKind for MarkovPlan {
    type State = MarkovState;

    fn known_parts(&self) -> KnownParts {
        let values = self.states.iter().map(|state| &state.value);
        KnownParts::OneOf(values.map(KnownParts::from).collect())
    }

    fn start(&self, rng: Rng) -> MarkovState {
        MarkovState {
            rng,
            stepped: Instant::default(),
            state: u32::try_from(self.start).unwrap_or(0),
        }
    }

    fn next(&self, state: &mut MarkovState, context: &Context<'_>) -> Result<Value, Error> {
        let first = state.stepped == Instant::default();
        let steps = match self.every {
            None => {
                state.stepped = context.now;
                u64::from(!first)
            }
            Some(every) => {
                let since = state.stepped.max(context.device.born);
                let steps = Span::from(context.now.since(since)).micros() / every.micros().max(1);
                state.stepped = since + Span::from_micros(steps * every.micros()).into();
                steps.min(MAX_STEPS_PER_VALUE)
            }
        };
        for _ in 0..steps {
            self.step(state);
        }
        let here = usize::try_from(state.state)
            .ok()
            .and_then(|here| self.states.get(here));
        Ok(here.map(|here| here.value.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    #[test]
    fn chain_stays_in_each_state_for_the_theoretical_share() {
        let chain = Markov::new("idle")
            .state("idle", [("busy", 0.1)])
            .state("busy", [("idle", 0.3)]);
        let values = TestGenerator::new(chain).values(100_000);
        let busy = values
            .iter()
            .filter(|value| value.as_text() == Some("busy"))
            .count();
        // The balance: 0.1 / (0.1 + 0.3). Neighbours are correlated by 0.6, which makes the
        // values worth a quarter as many.
        let error = (0.25_f64 * 0.75 / 25_000.0).sqrt();
        assert!(
            (crate::generate::testing::as_f64(busy) / 1e5 - 0.25).abs() < 5.0 * error,
            "{busy}"
        );
    }

    #[test]
    fn certain_steps_are_taken_by_value_or_by_time() {
        let ring = Markov::new("a")
            .state("a", [("b", 1.0)])
            .state("b", [("c", 1.0)])
            .state("c", [("a", 1.0)]);
        assert_eq!(
            TestGenerator::new(ring.clone()).json(4),
            r#"["a","b","c","a"]"#
        );
        let slow = ring.every(Span::from_micros(2_000_000));
        assert_eq!(TestGenerator::new(slow).json(5), r#"["a","a","b","b","c"]"#);
    }

    #[test]
    fn states_have_values_of_their_own_when_they_are_given() {
        let spec: crate::generate::spec::kinds::Spec = serde_json::from_str(
            r#"{ "kind": "markov", "start": "on", "states": { "on": { "value": 1, "to": { "off": 1 } }, "off": {} } }"#,
        )
        .unwrap();
        assert_eq!(TestGenerator::new(spec).json(3), r#"[1,"off","off"]"#);
    }

    #[test]
    fn invalid_chain_is_refused_with_paths() {
        let chain = Markov::new("of")
            .state("on", [("off", 0.7), ("on", 0.6)])
            .state("off", [("gone", 2.0)]);
        assert_eq!(
            problems_of(&chain),
            "start: no state is called \"of\"; there are off, on\n\
             states.off.to: no state is called \"gone\"; there are off, on\n\
             states.off.to.gone: 2 is no probability; it lies between 0 and 1\n\
             states.off.to: the probabilities add up to 2; at most 1 is right\n\
             states.on.to: the probabilities add up to 1.2999999999999998; at most 1 is right"
        );
    }
}
