//! Draws independent values: uniform, normal and true or false.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::{clamp_optional, number, rounded};
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::random::Rng;

/// A number between two bounds, all equally likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Uniform {
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// Decimals, 0 to 15; 0 gives whole numbers, `max` included. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Uniform {
    /// Draws from this range.
    #[must_use]
    pub const fn new(range: RangeInclusive<f64>) -> Self {
        Self {
            min: *range.start(),
            max: *range.end(),
            decimals: None,
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
}

impl Specification for Uniform {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_bounds(Some(self.min), Some(self.max));
        check.require_decimals(self.decimals);
        if self.decimals == Some(0) {
            check.require(
                self.min.ceil() <= self.max.floor(),
                "decimals",
                format_args!(
                    "no whole number lies between {} and {}; widen the bounds, or ask for decimals",
                    self.min, self.max
                ),
            );
        }
        Some(self.clone())
    }
}

impl GeneratorKind for Uniform {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, _: &Context<'_>) -> Result<Value, Error> {
        if self.decimals == Some(0) {
            // Rounding would make the two ends half as likely as the others.
            let (low, high) = (self.min.ceil(), self.max.floor());
            let value = low + (rng.unit() * (high - low + 1.0)).floor();
            return number(value.min(high), Some(0));
        }
        let value = rng.range(self.min, self.max);
        // Rounding may exceed a bound that has more decimals.
        let Value::Number(near) = rounded(value, self.decimals) else {
            return number(value, None);
        };
        number(near.clamp(self.min, self.max), None)
    }
}

/// A number around a mean: the bell curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Normal {
    /// The mean.
    pub mean: f64,
    /// The standard deviation: two thirds of all values are within it of the mean.
    #[schemars(range(min = 0.0))]
    pub deviation: f64,
    /// The lowest value; lower draws are set to it, as by a sensor at the end of its range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The highest value; higher draws are set to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Decimals, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Normal {
    /// Draws with this mean and standard deviation.
    #[must_use]
    pub const fn new(mean: f64, deviation: f64) -> Self {
        Self {
            mean,
            deviation,
            min: None,
            max: None,
            decimals: None,
        }
    }

    /// Sets values outside of this range to its nearer end.
    #[must_use]
    pub const fn within(self, range: RangeInclusive<f64>) -> Self {
        Self {
            min: Some(*range.start()),
            max: Some(*range.end()),
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
}

impl Specification for Normal {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_finite("mean", self.mean);
        check.require_not_negative("deviation", self.deviation);
        check.require_bounds(self.min, self.max);
        check.require_decimals(self.decimals);
        Some(self.clone())
    }
}

impl GeneratorKind for Normal {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, _: &Context<'_>) -> Result<Value, Error> {
        let value = rng.normal(self.mean, self.deviation);
        number(clamp_optional(value, self.min, self.max), self.decimals)
    }
}

/// True or false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Chance {
    /// The probability of `true`, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

impl Chance {
    /// True with this probability.
    #[must_use]
    pub const fn new(probability: f64) -> Self {
        Self { probability }
    }
}

impl Specification for Chance {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_probability("probability", self.probability);
        Some(self.clone())
    }
}

impl GeneratorKind for Chance {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, _: &Context<'_>) -> Result<Value, Error> {
        Ok(Value::Bool(rng.chance(self.probability)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::common::span::Span;
    use crate::generate::random::arrival::{Exponential, Poisson};
    use crate::generate::testing::{TestGenerator, mean_and_variance, problems_of};

    const COUNT: usize = 100_000;

    /// Five standard errors: of a correct generator one seed in 1.7 million fails.
    fn near(found: f64, expected: f64, variance: f64) {
        let error = (variance / 100_000.0).sqrt();
        assert!(
            (found - expected).abs() < 5.0 * error,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn distributions_have_their_mean_and_variance() {
        // The variance of a sample's variance is (m4 - s^4) / n, by distribution.
        let (mean, variance) =
            mean_and_variance(&mut TestGenerator::new(Uniform::new(-2.0..=4.0)), COUNT);
        near(mean, 1.0, 3.0);
        near(variance, 3.0, 7.2);
        let (mean, variance) =
            mean_and_variance(&mut TestGenerator::new(Normal::new(10.0, 3.0)), COUNT);
        near(mean, 10.0, 9.0);
        near(variance, 9.0, 2.0 * 81.0);
        let (mean, variance) =
            mean_and_variance(&mut TestGenerator::new(Exponential::new(5.0)), COUNT);
        near(mean, 5.0, 25.0);
        near(variance, 25.0, 8.0 * 625.0);
        for expected in [0.3, 4.0, 9.9, 10.0, 37.5, 4_000.0] {
            let (mean, variance) =
                mean_and_variance(&mut TestGenerator::new(Poisson::new(expected)), COUNT);
            near(mean, expected, expected);
            near(variance, expected, expected + 2.0 * expected * expected);
        }
    }

    #[test]
    fn arrivals_are_counted_by_the_time_that_passed() {
        let mut life = TestGenerator::new(Poisson::new(120.0).per(Span::from_micros(60_000_000)));
        assert_eq!(
            life.next().unwrap(),
            Value::Integer(0),
            "no time has passed"
        );
        let (mean, _) = mean_and_variance(&mut life, COUNT);
        near(mean, 2.0, 2.0);
    }

    #[test]
    fn whole_numbers_are_equally_likely_up_to_both_ends() {
        let mut life = TestGenerator::new(Uniform::new(0.5..=3.0).decimals(0));
        let mut counts = [0.0; 4];
        for _ in 0..COUNT {
            let Value::Integer(value) = life.next().unwrap() else {
                panic!("decimals = 0 gives whole numbers");
            };
            counts[usize::try_from(value).unwrap()] += 1.0;
        }
        assert_eq!(counts[0], 0.0);
        for count in &counts[1..] {
            near(count / 100_000.0, 1.0 / 3.0, 2.0 / 9.0);
        }
    }

    #[test]
    fn bounds_hold_and_decimals_do_not_step_over_them() {
        let mut life = TestGenerator::new(Uniform::new(0.26..=0.34).decimals(1));
        for _ in 0..1_000 {
            let value = life.next().unwrap().as_number().unwrap();
            assert!((0.26..=0.34).contains(&value), "{value}");
        }
        let mut life = TestGenerator::new(Normal::new(0.0, 10.0).within(-1.0..=2.0));
        for _ in 0..1_000 {
            assert!((-1.0..=2.0).contains(&life.next().unwrap().as_number().unwrap()));
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        assert_eq!(
            problems_of(&Normal::new(f64::NAN, -1.0).within(3.0..=2.0).decimals(16)),
            "mean: NaN is no number to work with; a finite one is\n\
             deviation: -1 is below zero; 0 and more is right\n\
             min: 3 lies above max, 2; the lower one is min\n\
             decimals: 16 decimals are more than a number has; 0 to 15 are right"
        );
        assert_eq!(
            problems_of(&Chance::new(1.5)),
            "probability: 1.5 is no probability; it lies between 0 and 1"
        );
        assert_eq!(
            problems_of(&Uniform::new(0.2..=0.8).decimals(0)),
            "decimals: no whole number lies between 0.2 and 0.8; widen the bounds, or ask for decimals"
        );
    }
}
