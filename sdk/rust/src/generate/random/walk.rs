//! Walks at random within bounds, and back to a mean.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::{clamp_optional, number};
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::random::Rng;
use crate::time::Instant;

/// A value that wanders: temperatures, levels, prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Walk {
    /// The first value. Absent: `mean`, else the middle of `min` and `max`, else 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// The standard deviation of the first value between devices.
    #[schemars(range(min = 0.0))]
    pub spread: f64,
    /// The standard deviation of one step.
    #[schemars(range(min = 0.0))]
    pub step: f64,
    /// The value that the walk is pulled back to. Absent: it is not pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The share of the distance to `mean` that each step takes, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub pull: f64,
    /// The lowest value, at which the walk is reflected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The highest value, at which the walk is reflected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The time of one step: `step` and `pull` are scaled to the time between two values,
    /// so that a device that reports more often does not wander further. Absent: one step a
    /// value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// Decimals, 0 to 15; 0 gives whole numbers. Absent: unrounded. The walk itself is not
    /// rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            start: None,
            spread: 0.0,
            step: 1.0,
            mean: None,
            pull: 0.1,
            min: None,
            max: None,
            every: None,
            decimals: None,
        }
    }
}

impl Walk {
    /// A walk from this value, in steps of standard deviation 1, without bounds.
    #[must_use]
    pub fn new(start: f64) -> Self {
        Self {
            start: Some(start),
            ..Self::default()
        }
    }

    /// Sets the standard deviation of the first value between devices.
    #[must_use]
    pub const fn spread(self, deviation: f64) -> Self {
        Self {
            spread: deviation,
            ..self
        }
    }

    /// Sets the standard deviation of a step.
    #[must_use]
    pub const fn step(self, deviation: f64) -> Self {
        Self {
            step: deviation,
            ..self
        }
    }

    /// Reflects the walk at the ends of this range.
    #[must_use]
    pub const fn within(self, range: RangeInclusive<f64>) -> Self {
        Self {
            min: Some(*range.start()),
            max: Some(*range.end()),
            ..self
        }
    }

    /// Takes this share of the distance to `mean` with each step.
    #[must_use]
    pub const fn around(self, mean: f64, pull: f64) -> Self {
        Self {
            mean: Some(mean),
            pull,
            ..self
        }
    }

    /// Sets the time of one step.
    #[must_use]
    pub fn every(self, length: impl Into<Span>) -> Self {
        Self {
            every: Some(length.into()),
            ..self
        }
    }

    /// Rounds to this many decimals.
    #[must_use]
    pub const fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }

    fn initial_value(&self) -> f64 {
        let middle = || Some(self.min? + (self.max? - self.min?) / 2.0);
        self.start.or(self.mean).or_else(middle).unwrap_or(0.0)
    }

    /// Reflects a value at the bounds.
    fn reflect(&self, value: f64) -> f64 {
        let mirrored = match (self.min, self.max) {
            (Some(min), _) if value < min => min + (min - value),
            (_, Some(max)) if value > max => max - (value - max),
            _ => value,
        };
        // A step longer than the range ends at the bound.
        clamp_optional(mirrored, self.min, self.max)
    }
}

impl Specification for Walk {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_not_negative("spread", self.spread);
        check.require_not_negative("step", self.step);
        check.require_share("pull", self.pull);
        check.require_bounds(self.min, self.max);
        for (key, value) in [("start", self.start), ("mean", self.mean)] {
            let Some(value) = value.filter(|value| check.require_finite(key, *value)) else {
                continue;
            };
            check.require(
                clamp_optional(value, self.min, self.max) == value,
                key,
                format_args!("{value} lies outside of min and max"),
            );
        }
        if let Some(every) = self.every {
            check.require_duration("every", every);
        }
        check.require_decimals(self.decimals);
        Some(self.clone())
    }
}

/// The state of a device's walk.
#[derive(Debug, Clone)]
pub(crate) struct WalkState {
    rng: Rng,
    value: f64,
    /// The time of the last value; 0 before the first one.
    last: Instant,
}

impl GeneratorKind for Walk {
    type State = WalkState;

    fn start(&self, mut rng: Rng) -> WalkState {
        let mut value = self.initial_value();
        if self.spread > 0.0 {
            value = self.reflect(rng.normal(value, self.spread));
        }
        WalkState {
            rng,
            value,
            last: Instant::default(),
        }
    }

    fn next(&self, state: &mut WalkState, context: &Context<'_>) -> Result<Value, Error> {
        let first = state.last == Instant::default();
        let passed = context.now.since(state.last);
        state.last = context.now;
        if first {
            return number(state.value, self.decimals);
        }
        let (pull, step) = match self.every {
            None => (self.pull, self.step),
            Some(every) => {
                let steps = Span::from(passed).as_f64() / every.as_f64();
                let pull = 1.0 - libm::pow(1.0 - self.pull, steps);
                (pull, self.step * steps.sqrt())
            }
        };
        let mut value = state.value;
        if let Some(mean) = self.mean {
            value += (mean - value) * pull;
        }
        if step > 0.0 {
            value = state.rng.normal(value, step);
        }
        state.value = self.reflect(value);
        number(state.value, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::generate::testing::{TestGenerator, mean_and_variance, problems_of};

    #[test]
    fn walk_starts_at_its_first_value() {
        let first = |walk: Walk| TestGenerator::new(walk).next().unwrap().as_number();
        assert_eq!(first(Walk::new(21.5)), Some(21.5));
        assert_eq!(first(Walk::default().around(4.0, 0.1)), Some(4.0));
        assert_eq!(first(Walk::default().within(10.0..=20.0)), Some(15.0));
        assert_eq!(first(Walk::default()), Some(0.0));
    }

    #[test]
    fn walk_with_pull_has_the_theoretical_variance() {
        // x' = (1 - p) x + s e has the variance s^2 / (1 - (1 - p)^2).
        let walk = Walk::new(50.0).around(50.0, 0.5).step(3.0);
        let (mean, variance) = mean_and_variance(&mut TestGenerator::new(walk), 200_000);
        // Neighbours are correlated by 1/2: as many as 1/3 of them are independent.
        let error = (12.0_f64 / (200_000.0 / 3.0)).sqrt();
        assert!((mean - 50.0).abs() < 5.0 * error, "{mean}");
        assert!((variance - 12.0).abs() < 0.3, "{variance}");
    }

    #[test]
    fn with_every_twice_as_many_values_wander_as_far() {
        let spread = |period| {
            let steps = 3_600_000_000 / period;
            let ends = (0..400).map(|seed| {
                let walk = Walk::new(0.0)
                    .step(1.0)
                    .every(Span::from_micros(60_000_000));
                let mut life = TestGenerator::seeded(walk, seed).every(Span::from_micros(period));
                (0..=steps)
                    .map(|_| life.next().unwrap().as_number().unwrap())
                    .last()
                    .unwrap()
            });
            ends.map(|end| end * end).sum::<f64>() / 400.0
        };
        // 60 steps of variance 1; the variance of 400 squares is 2 * 60^2 / 400.
        for period in [60_000_000, 20_000_000, 120_000_000] {
            let found = spread(period);
            assert!(
                (found - 60.0).abs() < 5.0 * (7_200.0_f64 / 400.0).sqrt(),
                "{found}"
            );
        }
    }

    #[test]
    fn invalid_walk_is_refused() {
        let walk = Walk::new(50.0).within(0.0..=40.0).around(45.0, 2.0);
        assert_eq!(
            problems_of(&walk),
            "pull: 2 is no share; it lies between 0 and 1\n\
             start: 50 lies outside of min and max\n\
             mean: 45 lies outside of min and max"
        );
    }

    proptest! {
        #[test]
        fn a_walk_never_leaves_its_bounds(
            seed: u64, low in -1e3..1e3, width in 0.0..1e3, step in 0.0..1e4, pull in 0.0..=1.0,
        ) {
            let walk = Walk::default().within(low..=low + width).step(step);
            let mut life = TestGenerator::seeded(walk.around(low, pull).spread(step), seed);
            for _ in 0..100 {
                let value = life.next().unwrap().as_number().unwrap();
                prop_assert!((low..=low + width).contains(&value));
            }
        }
    }
}
