//! Interpolates between points: linear, in steps or smooth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::number::micros_as_f64;

/// The interpolation between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Interpolation {
    /// A straight line.
    #[default]
    Linear,
    /// The value of the point before.
    Step,
    /// A smooth curve that does not overshoot the points.
    Smooth,
}

/// A curve through points.
#[derive(Debug, Clone)]
pub(crate) struct Interpolant {
    /// Times in microseconds and values, in order, one at least. With a period the first
    /// point is repeated at the end, so that each time is between two points.
    points: Vec<(i64, f64)>,
    /// The slope at each point, for a smooth curve.
    slopes: Vec<f64>,
    interpolation: Interpolation,
    period: Option<i64>,
}

impl Interpolant {
    /// Makes a curve. The points must be in order, at different times, and within the
    /// period.
    pub(crate) fn new(
        mut points: Vec<(i64, f64)>,
        interpolation: Interpolation,
        period: Option<i64>,
    ) -> Self {
        if let (Some(period), Some((at, value))) = (period, points.first().copied()) {
            points.push((at.saturating_add(period), value));
        }
        let slopes = match interpolation {
            Interpolation::Smooth => slopes(&points, period.is_some()),
            Interpolation::Linear | Interpolation::Step => Vec::new(),
        };
        Self {
            points,
            slopes,
            interpolation,
            period,
        }
    }

    /// The value at a time. Before and after the points it is the first and the last value.
    pub(crate) fn value_at(&self, mut micros: i64) -> f64 {
        if let (Some(period), Some((first, _))) = (self.period, self.points.first()) {
            micros = first.saturating_add(micros.saturating_sub(*first).rem_euclid(period));
        }
        let after = self.points.partition_point(|(at, _)| *at <= micros);
        let before = after
            .checked_sub(1)
            .and_then(|place| self.points.get(place));
        match (before, self.points.get(after)) {
            (Some(before), Some(next)) => self.interpolate(after - 1, *before, *next, micros),
            (Some((_, value)), None) | (None, Some((_, value))) => *value,
            (None, None) => 0.0,
        }
    }

    fn interpolate(&self, place: usize, from: (i64, f64), to: (i64, f64), micros: i64) -> f64 {
        let length = micros_as_f64(to.0 - from.0);
        let part = micros_as_f64(micros - from.0) / length;
        match self.interpolation {
            Interpolation::Step => from.1,
            Interpolation::Linear => from.1 + (to.1 - from.1) * part,
            Interpolation::Smooth => {
                let slope = |place| self.slopes.get(place).copied().unwrap_or(0.0) * length;
                let (left, right) = (slope(place), slope(place + 1));
                let rest = 1.0 - part;
                // Hermite's form around the first point: exact there, and between equal
                // values.
                from.1
                    + (to.1 - from.1) * part * part * (3.0 - 2.0 * part)
                    + left * part * rest * rest
                    - right * part * part * rest
            }
        }
    }
}

/// Slopes that keep the curve between its points: Fritsch and Butland, "A method for
/// constructing local monotone piecewise cubic interpolants", 1984.
fn slopes(points: &[(i64, f64)], periodic: bool) -> Vec<f64> {
    let pieces: Vec<(f64, f64)> = points
        .windows(2)
        .filter_map(|pair| {
            let [from, to] = pair else { return None };
            let length = micros_as_f64(to.0 - from.0);
            Some((length, (to.1 - from.1) / length))
        })
        .collect();
    let last = pieces.len().saturating_sub(1);
    (0..points.len())
        .map(|place| {
            let before = match place.checked_sub(1) {
                None if periodic => pieces.get(last),
                None => None,
                Some(before) => pieces.get(before),
            };
            let after = if place > last && periodic {
                pieces.first()
            } else {
                pieces.get(place)
            };
            match (before, after) {
                (Some(before), Some(after)) => inner_slope(*before, *after),
                (Some((_, slope)), None) | (None, Some((_, slope))) => *slope,
                (None, None) => 0.0,
            }
        })
        .collect()
}

fn inner_slope((before, left): (f64, f64), (after, right): (f64, f64)) -> f64 {
    if left * right <= 0.0 {
        return 0.0;
    }
    let (first, second) = (2.0 * after + before, after + 2.0 * before);
    (first + second) / (first / left + second / right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Interpolation; 3] = [
        Interpolation::Linear,
        Interpolation::Step,
        Interpolation::Smooth,
    ];

    #[test]
    fn one_point_is_a_constant() {
        for interpolation in KINDS {
            for period in [None, Some(10)] {
                let curve = Interpolant::new(vec![(3, 7.0)], interpolation, period);
                for micros in [-20, 0, 3, 12, 100] {
                    assert_eq!(curve.value_at(micros), 7.0);
                }
            }
        }
    }

    #[test]
    fn a_period_joins_the_end_to_the_beginning() {
        let curve = Interpolant::new(vec![(2, 0.0), (6, 8.0)], Interpolation::Linear, Some(8));
        let found: Vec<f64> = (-2..9).map(|micros| curve.value_at(micros)).collect();
        assert_eq!(
            found,
            [8.0, 6.0, 4.0, 2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 6.0, 4.0]
        );
    }

    fn points() -> impl Strategy<Value = Vec<(i64, f64)>> {
        prop::collection::btree_map(0..1_000_000_i64, -1e3..1e3, 1..20)
            .prop_map(|points| points.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_line_passes_through_its_points(
            points in points(), kind in 0..3_usize, periodic: bool, turns in -3..3_i64,
        ) {
            let period = periodic.then_some(1_000_000);
            let curve = Interpolant::new(points.clone(), KINDS[kind], period);
            for (at, value) in points {
                let at = at + period.unwrap_or(0) * turns;
                prop_assert_eq!(curve.value_at(at), value);
            }
        }

        #[test]
        fn a_line_stays_between_its_neighbouring_points(
            points in points(), kind in 0..3_usize, part in 0.0..1.0,
        ) {
            let curve = Interpolant::new(points.clone(), KINDS[kind], None);
            for pair in points.windows(2) {
                let [(from, low), (to, high)] = *pair else { unreachable!() };
                #[expect(clippy::cast_possible_truncation, reason = "a part of it")]
                let between = from + (micros_as_f64(to - from) * part) as i64;
                let value = curve.value_at(between);
                let (low, high) = (low.min(high), low.max(high));
                prop_assert!(low - 1e-9 <= value && value <= high + 1e-9, "{low} {value} {high}");
            }
        }
    }
}
