//! Interpolates a curve through points in time, once or repeated, with jitter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::number::number;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::generate::time::interpolation::{Interpolant, Interpolation};
use crate::generate::time::origin::Origin;
use crate::generate::time::wave::draw_offset;
use crate::random::Rng;

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Point {
    /// The time from the curve's origin.
    pub at: Span,
    /// The value there.
    pub value: f64,
}

/// A curve through points. Before the first point it has the first value, and after the
/// last point the last value, unless `period` repeats it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Curve {
    /// The points, in order of time.
    #[schemars(length(min = 1))]
    pub points: Vec<Point>,
    /// The period after which it repeats, longer than the last point. The curve continues
    /// from the last point to the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Span>,
    /// The interpolation between two points.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// The standard deviation of values from the curve.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub jitter: f64,
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

impl Curve {
    /// A curve through these points with linear interpolation, from the time at which the
    /// device was switched on.
    #[must_use]
    pub fn new<S: Into<Span>>(points: impl IntoIterator<Item = (S, f64)>) -> Self {
        let point = |(at, value): (S, f64)| Point {
            at: at.into(),
            value,
        };
        Self {
            points: points.into_iter().map(point).collect(),
            period: None,
            interpolation: Interpolation::Linear,
            jitter: 0.0,
            spread: None,
            origin: Origin::Born,
            decimals: None,
        }
    }

    /// Repeats after this time.
    #[must_use]
    pub fn period(self, length: impl Into<Span>) -> Self {
        Self {
            period: Some(length.into()),
            ..self
        }
    }

    /// The interpolation between two points.
    #[must_use]
    pub fn interpolation(self, interpolation: Interpolation) -> Self {
        Self {
            interpolation,
            ..self
        }
    }

    /// Sets the standard deviation of values from the curve.
    #[must_use]
    pub fn jitter(self, deviation: f64) -> Self {
        Self {
            jitter: deviation,
            ..self
        }
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
    pub fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Rounds to this many decimals.
    #[must_use]
    pub fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }
}

#[derive(Debug)]
pub(crate) struct CurvePlan {
    curve: Interpolant,
    jitter: f64,
    spread: Option<Span>,
    origin: Origin,
    decimals: Option<u8>,
}

impl Specification for Curve {
    type Plan = CurvePlan;

    fn check(&self, check: &mut Check<'_>) -> Option<CurvePlan> {
        check.require_not_negative("jitter", self.jitter);
        check.require_decimals(self.decimals);
        check.require(
            !self.points.is_empty(),
            "points",
            "a curve has one point at least",
        );
        let mut before: Option<Span> = None;
        let points = check.each("points", &self.points, |check, point| {
            check.require_finite("value", point.value);
            if let Some(before) = before.filter(|before| *before >= point.at) {
                check.report(
                    "at",
                    format_args!(
                        "{} does not come after {before}; points are in order of time",
                        point.at
                    ),
                );
            }
            before = Some(point.at);
            Some((i64::try_from(point.at.micros()).ok()?, point.value))
        })?;
        if let (Some(period), Some(last)) = (self.period, before) {
            check.require(
                period > last,
                "period",
                format_args!("{period} is not longer than the last point, {last}; it must be"),
            );
        }
        let period = self
            .period
            .map(|period| i64::try_from(period.micros().max(1)).unwrap_or(i64::MAX));
        Some(CurvePlan {
            curve: Interpolant::new(points, self.interpolation, period),
            jitter: self.jitter,
            spread: self.spread,
            origin: self.origin,
            decimals: self.decimals,
        })
    }
}

impl GeneratorKind for CurvePlan {
    /// The generator of the jitter, and the time by which this device is ahead, in
    /// microseconds.
    type State = (Rng, i64);

    fn start(&self, mut rng: Rng) -> Self::State {
        let ahead = draw_offset(self.spread, &mut rng);
        (rng, ahead)
    }

    fn next(&self, (rng, ahead): &mut Self::State, context: &Context<'_>) -> Result<Value, Error> {
        let mut value = self
            .curve
            .value_at(self.origin.elapsed(context).saturating_add(*ahead));
        if self.jitter > 0.0 {
            value = rng.normal(value, self.jitter);
        }
        number(value, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::testing::{TestGenerator, mean_and_variance, problems_of};

    const fn seconds(seconds: u64) -> Span {
        Span::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_curve_goes_through_its_points_once_or_again() {
        let curve = Curve::new([(seconds(1), 10.0), (seconds(3), 20.0)]);
        assert_eq!(
            TestGenerator::new(curve.clone()).json(5),
            "[10.0,10.0,15.0,20.0,20.0]"
        );
        let round = curve.clone().period(seconds(4)).decimals(0);
        assert_eq!(
            TestGenerator::new(round).json(9),
            "[15,10,15,20,15,10,15,20,15]"
        );
        let step = curve.interpolation(Interpolation::Step).period(seconds(4));
        assert_eq!(
            TestGenerator::new(step).json(5),
            "[20.0,10.0,10.0,20.0,20.0]"
        );
    }

    #[test]
    fn a_curve_begins_anew_with_the_status() {
        let curve = Curve::new([(seconds(0), 0.0), (seconds(100), 100.0)]);
        let mut life = TestGenerator::new(curve.origin(Origin::Status));
        assert_eq!(life.numbers(3), [0.0, 1.0, 2.0]);
        life.status_since = life.now;
        assert_eq!(life.numbers(2), [0.0, 1.0]);
    }

    #[test]
    fn jitter_has_its_standard_deviation() {
        let curve = Curve::new([(seconds(0), 5.0)]).jitter(2.0);
        let (mean, variance) = mean_and_variance(&mut TestGenerator::new(curve), 100_000);
        assert!((mean - 5.0).abs() < 5.0 * (4.0_f64 / 1e5).sqrt());
        assert!((variance - 4.0).abs() < 5.0 * (32.0_f64 / 1e5).sqrt());
    }

    #[test]
    fn invalid_curve_is_refused_with_paths() {
        let curve = Curve::new([(seconds(2), 0.0), (seconds(2), f64::NAN)]).period(seconds(1));
        assert_eq!(
            problems_of(&curve),
            "points.1.value: NaN is no number to work with; a finite one is\n\
             points.1.at: 2s does not come after 2s; points are in order of time\n\
             period: 1s is not longer than the last point, 2s; it must be"
        );
        let none = Curve::new::<Span>([]);
        assert_eq!(problems_of(&none), "points: a curve has one point at least");
    }
}
