//! Computes periodic values: sine, triangle, square and sawtooth.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::{micros_as_f64, number};
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::time::origin::Origin;
use crate::random::Rng;

/// The shape of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shape {
    /// A sine that starts in the middle and rises.
    #[default]
    Sine,
    /// A triangle that starts in the middle and rises.
    Triangle,
    /// `max` for the share `duty` of the period, then `min`.
    Square,
    /// Rises from `min` to `max` and falls back at once.
    Saw,
}

/// A periodic value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Wave {
    /// The shape.
    #[serde(default)]
    pub shape: Shape,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// The period.
    pub period: Span,
    /// The share of the period at which it starts, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub phase: f64,
    /// The share of the period at which a square is at `max`, 0 to 1.
    #[serde(default = "half")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub duty: f64,
    /// The largest time by which a device is ahead, drawn for each. Absent: all are in
    /// phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Span>,
    /// The origin of time.
    #[serde(default)]
    pub origin: Origin,
    /// Decimals, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

const fn half() -> f64 {
    0.5
}

impl Wave {
    fn new(shape: Shape, range: &RangeInclusive<f64>, period: Span) -> Self {
        Self {
            shape,
            min: *range.start(),
            max: *range.end(),
            period,
            phase: 0.0,
            duty: 0.5,
            spread: None,
            origin: Origin::Born,
            decimals: None,
        }
    }

    /// A sine between these bounds.
    #[must_use]
    pub fn sine(range: RangeInclusive<f64>, period: impl Into<Span>) -> Self {
        Self::new(Shape::Sine, &range, period.into())
    }

    /// A triangle between these bounds.
    #[must_use]
    pub fn triangle(range: RangeInclusive<f64>, period: impl Into<Span>) -> Self {
        Self::new(Shape::Triangle, &range, period.into())
    }

    /// A square between these bounds, half of the period at each.
    #[must_use]
    pub fn square(range: RangeInclusive<f64>, period: impl Into<Span>) -> Self {
        Self::new(Shape::Square, &range, period.into())
    }

    /// A sawtooth between these bounds.
    #[must_use]
    pub fn saw(range: RangeInclusive<f64>, period: impl Into<Span>) -> Self {
        Self::new(Shape::Saw, &range, period.into())
    }

    /// Starts at this share of the period, 0 to 1.
    #[must_use]
    pub const fn phase(self, phase: f64) -> Self {
        Self { phase, ..self }
    }

    /// Sets the share of the period at the highest value, 0 to 1; for a square.
    #[must_use]
    pub const fn duty(self, duty: f64) -> Self {
        Self { duty, ..self }
    }

    /// Sets the largest time by which a device is ahead.
    #[must_use]
    pub fn spread(self, length: impl Into<Span>) -> Self {
        Self {
            spread: Some(length.into()),
            ..self
        }
    }

    /// Sets the origin of time.
    #[must_use]
    pub const fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Rounds to this many decimals.
    #[must_use]
    pub const fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }

    /// The height of the wave at a share of its period, 0 to 1.
    fn height(&self, part: f64) -> f64 {
        match self.shape {
            Shape::Sine => 0.5 + 0.5 * libm::sin(part * std::f64::consts::TAU),
            Shape::Triangle => {
                // Shifted by a quarter, so that it starts in the middle.
                let part = (part + 0.25) % 1.0;
                1.0 - (2.0 * part - 1.0).abs()
            }
            Shape::Square if part < self.duty => 1.0,
            Shape::Square => 0.0,
            Shape::Saw => part,
        }
    }
}

/// Draws the time by which a device is ahead, in microseconds; zero without a spread.
pub(crate) fn draw_offset(spread: Option<Span>, rng: &mut Rng) -> i64 {
    let micros = spread.map_or(0, |spread| rng.below(spread.micros()));
    i64::try_from(micros).unwrap_or(i64::MAX)
}

impl Specification for Wave {
    type Plan = Self;

    fn check(&self, check: &mut Check<'_>) -> Option<Self> {
        check.require_bounds(Some(self.min), Some(self.max));
        check.require_duration("period", self.period);
        check.require_share("phase", self.phase);
        check.require_share("duty", self.duty);
        check.require_decimals(self.decimals);
        Some(self.clone())
    }
}

impl GeneratorKind for Wave {
    /// The time by which this device is ahead, in microseconds.
    type State = i64;

    fn start(&self, mut rng: Rng) -> i64 {
        draw_offset(self.spread, &mut rng)
    }

    fn next(&self, ahead: &mut i64, context: &Context<'_>) -> Result<Value, Error> {
        let period = i64::try_from(self.period.micros().max(1)).unwrap_or(i64::MAX);
        // Integer microseconds until here: exact after years, too.
        let passed = self
            .origin
            .elapsed(context)
            .saturating_add(*ahead)
            .rem_euclid(period);
        let part = (micros_as_f64(passed) / micros_as_f64(period) + self.phase) % 1.0;
        number(
            self.min + (self.max - self.min) * self.height(part),
            self.decimals,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, problems_of};

    const PERIOD: Span = Span::from_micros(8_000_000);

    #[test]
    fn each_shape_goes_through_its_corners() {
        let first = |wave: Wave| TestGenerator::new(wave.decimals(3)).numbers(9);
        let sine = [5.0, 8.536, 10.0, 8.536, 5.0, 1.464, 0.0, 1.464, 5.0];
        assert_eq!(first(Wave::sine(0.0..=10.0, PERIOD)), sine);
        let triangle = [5.0, 7.5, 10.0, 7.5, 5.0, 2.5, 0.0, 2.5, 5.0];
        assert_eq!(first(Wave::triangle(0.0..=10.0, PERIOD)), triangle);
        let square = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(first(Wave::square(0.0..=1.0, PERIOD).duty(0.25)), square);
        let saw = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0];
        assert_eq!(first(Wave::saw(0.0..=8.0, PERIOD)), saw);
    }

    #[test]
    fn phase_and_spread_move_a_wave_in_time() {
        let wave = Wave::saw(0.0..=8.0, PERIOD);
        assert_eq!(
            TestGenerator::new(wave.clone().phase(0.5)).numbers(5),
            [4.0, 5.0, 6.0, 7.0, 0.0]
        );
        let first = |seed| TestGenerator::seeded(wave.clone().spread(PERIOD), seed).numbers(1);
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn a_wave_counts_from_its_origin_before_and_after() {
        let fixed = Origin::Fixed(crate::generate::testing::BORN + PERIOD.into());
        let mut life = TestGenerator::new(Wave::saw(0.0..=8.0, PERIOD).origin(fixed));
        assert_eq!(
            life.numbers(10),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0, 1.0]
        );
        let mut life = TestGenerator::new(Wave::saw(0.0..=8.0, PERIOD).origin(Origin::Status));
        life.numbers(3);
        life.status_since = life.now;
        assert_eq!(life.numbers(2), [0.0, 1.0]);
    }

    #[test]
    fn invalid_wave_is_refused() {
        let wave = Wave::sine(1.0..=0.0, Span::from_micros(0)).phase(-1.0);
        assert_eq!(
            problems_of(&wave),
            "min: 1 lies above max, 0; the lower one is min\n\
             period: no time at all; it must be above zero, such as \"1s\"\n\
             phase: -1 is no share; it lies between 0 and 1"
        );
    }
}
