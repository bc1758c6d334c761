//! Draws independent arrivals: the gaps between them, and their number.

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

/// The time from one arrival to the next, when arrivals are independent: many short gaps,
/// few long ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Exponential {
    /// The mean, above zero, in the unit of the value.
    pub mean: f64,
    /// The highest value; higher draws are set to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Decimals, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Exponential {
    /// Draws with this mean.
    #[must_use]
    pub const fn new(mean: f64) -> Self {
        Self {
            mean,
            max: None,
            decimals: None,
        }
    }

    /// Sets the highest value.
    #[must_use]
    pub const fn max(self, max: f64) -> Self {
        Self {
            max: Some(max),
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

impl Specification for Exponential {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_positive("mean", self.mean);
        if let Some(max) = self.max {
            check.require_positive("max", max);
        }
        check.require_decimals(self.decimals);
        Some(self.clone())
    }
}

impl GeneratorKind for Exponential {
    type State = Rng;

    fn start(&self, rng: Rng) -> Rng {
        rng
    }

    fn next(&self, rng: &mut Rng, _: &Context<'_>) -> Result<Value, Error> {
        let value = exponential(rng, self.mean);
        number(clamp_optional(value, None, self.max), self.decimals)
    }
}

/// An exponentially distributed number, by inversion.
pub(crate) fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    // 1 - unit is above zero.
    -mean * libm::log(1.0 - rng.unit())
}

/// The number of independent arrivals: cars past a counter, drops in a rain gauge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Poisson {
    /// The mean number of arrivals a value or, with `per`, in that time; above zero, up to
    /// 1,000,000,000.
    pub mean: f64,
    /// The time in which `mean` arrivals are expected. A value counts the arrivals since
    /// the value before; the first one counts those since the device was switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Span>,
}

impl Poisson {
    /// This many arrivals a value, on average.
    #[must_use]
    pub const fn new(mean: f64) -> Self {
        Self { mean, per: None }
    }

    /// The mean applies to this time, and each value counts the arrivals since the one
    /// before.
    #[must_use]
    pub fn per(self, length: impl Into<Span>) -> Self {
        Self {
            per: Some(length.into()),
            ..self
        }
    }
}

impl Specification for Poisson {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        if check.require_positive("mean", self.mean) {
            check.require(
                self.mean <= 1e9,
                "mean",
                "more arrivals than can be counted; up to 1,000,000,000 are right",
            );
        }
        if let Some(per) = self.per {
            check.require_duration("per", per);
        }
        Some(self.clone())
    }
}

impl GeneratorKind for Poisson {
    /// The generator, and the time up to which arrivals are counted (0 before the first
    /// value).
    type State = (Rng, Instant);

    fn start(&self, rng: Rng) -> Self::State {
        (rng, Instant::default())
    }

    fn next(
        &self,
        (rng, counted): &mut Self::State,
        context: &Context<'_>,
    ) -> Result<Value, Error> {
        let mean = match self.per {
            None => self.mean,
            Some(per) => {
                let since = (*counted).max(context.device.born);
                *counted = context.now.max(since);
                self.mean * Span::from(context.now.since(since)).as_f64() / per.as_f64()
            }
        };
        number(poisson(rng, mean), Some(0))
    }
}

/// A Poisson distributed number of this mean.
///
/// Small means by counting (Knuth, TAOCP 3.4.1), large ones by transformed rejection
/// (Hörmann, "The transformed rejection method for generating Poisson random variables",
/// 1993, algorithm PTRS).
fn poisson(rng: &mut Rng, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    if mean < 10.0 {
        let limit = libm::exp(-mean);
        let (mut count, mut product) = (0.0, rng.unit());
        while product > limit {
            count += 1.0;
            product *= rng.unit();
        }
        return count;
    }
    let log = libm::log(mean);
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.123_9 + 1.132_8 / (b - 3.4);
    let v_r = 0.927_7 - 3.622_4 / (b - 2.0);
    loop {
        let u = rng.unit() - 0.5;
        let v = rng.unit();
        let us = 0.5 - u.abs();
        let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
        if us >= 0.07 && v <= v_r {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) || us <= 0.0 {
            continue;
        }
        let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b);
        if left <= k * log - mean - libm::lgamma(k + 1.0) {
            return k;
        }
    }
}
