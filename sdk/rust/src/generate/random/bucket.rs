//! Picks values from a list, at random or in sequence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::random::Rng;

/// The order in which a bucket gives its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Order {
    /// At random, by weight.
    #[default]
    Random,
    /// One after the other, and then from the start.
    Sequence,
}

/// One of several values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Bucket {
    /// The values, of any type.
    #[schemars(length(min = 1))]
    pub values: Vec<serde_json::Value>,
    /// The relative frequency of each value: as many weights as values, 0 and more. Absent:
    /// all are equally likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// The order of the values.
    #[serde(default)]
    pub order: Order,
}

impl Bucket {
    /// One of these values, all equally likely.
    pub fn new<V: Into<serde_json::Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            weights: None,
            order: Order::Random,
        }
    }

    /// Sets the relative frequency of each value.
    #[must_use]
    pub fn weights(self, weights: impl IntoIterator<Item = f64>) -> Self {
        Self {
            weights: Some(weights.into_iter().collect()),
            ..self
        }
    }

    /// One after the other.
    #[must_use]
    pub fn in_sequence(self) -> Self {
        Self {
            order: Order::Sequence,
            ..self
        }
    }
}

#[derive(Debug)]
pub(crate) struct BucketPlan {
    values: Vec<Value>,
    /// The sum of the weights up to each value, with weights.
    sums: Option<Vec<f64>>,
    order: Order,
}

impl Specification for Bucket {
    type Plan = BucketPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<BucketPlan> {
        check.require(
            !self.values.is_empty(),
            "values",
            "a bucket has one value at least",
        );
        if let Some(weights) = &self.weights {
            check.require(
                weights.len() == self.values.len(),
                "weights",
                format_args!(
                    "each value has one weight: weights {}, values {}",
                    weights.len(),
                    self.values.len()
                ),
            );
            let _ = check.each("weights", weights, |check, weight| {
                check.require_not_negative("", *weight).then_some(())
            });
            check.require(
                weights.is_empty() || weights.iter().sum::<f64>() > 0.0,
                "weights",
                "all are 0, so that no value ever comes; one at least is above",
            );
            check.require(
                self.order == Order::Random,
                "weights",
                "values in sequence come equally often; take the weights away, or the order",
            );
        }
        Some(BucketPlan {
            values: self.values.iter().map(Value::from).collect(),
            sums: self.weights.as_deref().map(cumulative_sums),
            order: self.order,
        })
    }
}

/// The sum of the weights up to each one.
pub(crate) fn cumulative_sums(weights: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let up_to = |weight: &f64| {
        sum += weight;
        sum
    };
    weights.iter().map(up_to).collect()
}

/// The index that a share of the whole, 0 to 1, falls to; never one with the weight 0.
pub(crate) fn weighted_index(sums: &[f64], share: f64) -> usize {
    let whole = sums.last().copied().unwrap_or(0.0);
    let place = sums.partition_point(|sum| *sum <= share * whole);
    // The product may be rounded up to the whole.
    place.min(sums.partition_point(|sum| *sum < whole))
}

impl GeneratorKind for BucketPlan {
    /// The generator, and the number of values that were taken in sequence.
    type State = (Rng, u32);

    fn start(&self, rng: Rng) -> Self::State {
        (rng, 0)
    }

    fn next(&self, (rng, taken): &mut Self::State, _: &Context<'_>) -> Result<Value, Error> {
        let value = match (self.order, &self.sums) {
            (Order::Random, None) => rng.pick(&self.values),
            (Order::Random, Some(sums)) => self.values.get(weighted_index(sums, rng.unit())),
            (Order::Sequence, _) => {
                let next = usize::try_from(*taken).unwrap_or(0);
                *taken = if next + 1 < self.values.len() {
                    *taken + 1
                } else {
                    0
                };
                self.values.get(next)
            }
        };
        Ok(value.cloned().unwrap_or_default())
    }

    fn known_parts(&self) -> KnownParts {
        KnownParts::OneOf(self.values.iter().map(KnownParts::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    #[test]
    fn in_sequence_each_value_comes_in_turn() {
        let bucket = Bucket::new(["a", "b", "c"]).in_sequence();
        assert_eq!(TestGenerator::new(bucket).json(4), r#"["a","b","c","a"]"#);
    }

    #[test]
    fn random_values_come_as_often_as_their_weights() {
        let bucket = Bucket::new([0, 1, 2]).weights([1.0, 0.0, 3.0]);
        let found = TestGenerator::new(bucket).numbers(100_000);
        let share = |value: f64| {
            crate::generate::testing::as_f64(found.iter().filter(|found| **found == value).count())
                / 1e5
        };
        // Five standard errors of a share of 1/4: sqrt(3/16 / 100,000) each.
        assert!((share(0.0) - 0.25).abs() < 0.007);
        assert_eq!(share(1.0), 0.0);
        assert!((share(2.0) - 0.75).abs() < 0.007);
        assert_eq!(
            weighted_index(&[0.0, 1.0, 1.0], 1.0),
            1,
            "not the one of weight 0"
        );
        assert_eq!(weighted_index(&[0.0, 1.0], 0.0), 1);
    }

    #[test]
    fn invalid_bucket_is_refused() {
        let bucket = Bucket::new([1, 2]).weights([0.0, -1.0, 1.0]).in_sequence();
        assert_eq!(
            problems_of(&bucket),
            "weights: each value has one weight: weights 3, values 2\n\
             weights.1: -1 is below zero; 0 and more is right\n\
             weights: all are 0, so that no value ever comes; one at least is above\n\
             weights: values in sequence come equally often; take the weights away, or the order"
        );
        assert_eq!(
            problems_of(&Bucket::new::<i32>([])),
            "values: a bucket has one value at least"
        );
    }
}
