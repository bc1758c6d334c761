//! Computes ticks within one wave of a stage, for one device.
//!
//! Closed forms give the number of ticks up to a position, and the position of a tick. A
//! device therefore needs no state for its stage. A wave has length 1.
//!
//! A position is 0 to 1 of the wave. The rate there is `from + (to - from) * level`. A device
//! whose rank is not below the share of active devices has rate 0. A level rises once in a
//! wave and may fall once. A device is therefore active between two positions, or inactive
//! between two positions.

use std::f64::consts::{PI, TAU};

use mockfleet_config::{Shape, Transition};

/// Most iterations of the search for a position under a sine. Each doubles the number of
/// correct digits, or halves the remaining range.
const MAX_ITERATIONS: u32 = 64;

/// The shape of one wave, for a device of a given rank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StageShape {
    shape: Shape,
    rate: Transition,
    active: ActiveRange,
}

/// The part of the wave in which the device is active.
#[derive(Debug, Clone, Copy)]
enum ActiveRange {
    Never,
    /// Active between two positions.
    Inside(f64, f64),
    /// Inactive between two positions.
    Outside(f64, f64),
}

impl StageShape {
    /// Creates the wave of a device. The device is active while the share of active devices is
    /// above its `rank`, 0 to 1.
    pub(crate) fn new(shape: Shape, rate: Transition, devices: Transition, rank: f64) -> Self {
        let active = match (devices.from > rank, devices.to > rank) {
            (true, true) => ActiveRange::Inside(0.0, 1.0),
            (false, false) => ActiveRange::Never,
            (false, true) => {
                let (begin, end) =
                    above(shape, (rank - devices.from) / (devices.to - devices.from));
                ActiveRange::Inside(begin, end)
            }
            (true, false) => {
                let (begin, end) =
                    above(shape, (rank - devices.from) / (devices.to - devices.from));
                ActiveRange::Outside(begin, end)
            }
        };
        Self {
            shape,
            rate,
            active,
        }
    }

    /// Returns the first position at which the device is active.
    pub(crate) fn first_active(&self) -> Option<f64> {
        match self.active {
            ActiveRange::Never => None,
            ActiveRange::Inside(begin, _) => Some(begin),
            ActiveRange::Outside(..) => Some(0.0),
        }
    }

    /// Returns the integral of the rate from the beginning to a position. The unit is ticks,
    /// for a wave of one second.
    pub(crate) fn ticks(&self, position: f64) -> f64 {
        match self.active {
            ActiveRange::Never => 0.0,
            ActiveRange::Inside(begin, end) => {
                (self.integral(position.clamp(begin, end)) - self.integral(begin)).max(0.0)
            }
            ActiveRange::Outside(begin, end) => {
                let after = (self.integral(position.max(end)) - self.integral(end)).max(0.0);
                self.integral(position.min(begin)) + after
            }
        }
    }

    /// Returns the last position up to which at most this number of ticks is due.
    pub(crate) fn position(&self, ticks: f64) -> f64 {
        match self.active {
            ActiveRange::Never => 1.0,
            ActiveRange::Inside(begin, end) => self
                .inverse_integral(ticks + self.integral(begin))
                .clamp(begin, end),
            ActiveRange::Outside(begin, end) => {
                let before = self.integral(begin);
                if ticks < before {
                    self.inverse_integral(ticks).min(begin)
                } else {
                    self.inverse_integral(ticks - before + self.integral(end))
                        .max(end)
                }
            }
        }
    }

    /// Returns the integral of the rate of a device that is always active.
    fn integral(&self, position: f64) -> f64 {
        let Transition { from, to } = self.rate;
        let level = match self.shape {
            Shape::Step => position,
            Shape::Ramp => position * position / 2.0,
            Shape::Spike(_) if position <= 0.5 => position * position,
            Shape::Spike(_) => 0.5 - (1.0 - position) * (1.0 - position),
            Shape::Sine(_) => position / 2.0 - libm::sin(TAU * position) / (4.0 * PI),
        };
        from * position + (to - from) * level
    }

    /// Inverts `integral`.
    fn inverse_integral(&self, ticks: f64) -> f64 {
        let Transition { from, to } = self.rate;
        let position = match self.shape {
            Shape::Step => ratio(ticks, to),
            Shape::Ramp => rising(from, (to - from) / 2.0, ticks),
            Shape::Spike(_) => {
                // The second half mirrors the first half.
                let whole = self.integral(1.0);
                if ticks <= whole / 2.0 {
                    rising(from, to - from, ticks)
                } else {
                    1.0 - rising(from, to - from, whole - ticks)
                }
            }
            Shape::Sine(_) => self.search(ticks),
        };
        position.clamp(0.0, 1.0)
    }

    /// Applies Newton's method within two bounds, which close in on the position.
    fn search(&self, ticks: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        let mut position = ratio(ticks, self.integral(1.0)).clamp(0.0, 1.0);
        for _ in 0..MAX_ITERATIONS {
            let beyond = self.integral(position) - ticks;
            if beyond > 0.0 {
                high = position;
            } else {
                low = position;
            }
            let next = position - beyond / self.rate.at(self.shape.level(position));
            let next = if next > low && next < high {
                next
            } else {
                low + (high - low) / 2.0
            };
            // Stop when the position moves by less than 10^-15 of the wave.
            if (next - position).abs() < 1e-15 {
                return next;
            }
            position = next;
        }
        position
    }
}

/// Returns the two positions between which the level of a shape is above `level`, 0 to 1.
fn above(shape: Shape, level: f64) -> (f64, f64) {
    match shape {
        Shape::Step => (0.0, 1.0),
        Shape::Ramp => (level, 1.0),
        Shape::Spike(_) => (level / 2.0, 1.0 - level / 2.0),
        Shape::Sine(_) => {
            let begin = libm::acos((1.0 - 2.0 * level).clamp(-1.0, 1.0)) / TAU;
            (begin, 1.0 - begin)
        }
    }
}

/// Solves `from * x + bend * x² = ticks` for `x`. This form of the root stays exact when
/// `bend` is 0.
fn rising(from: f64, bend: f64, ticks: f64) -> f64 {
    let root = (from * from + 4.0 * bend * ticks).max(0.0).sqrt();
    ratio(2.0 * ticks, from + root)
}

/// Returns `part / whole`, and 0 for 0 / 0.
fn ratio(part: f64, whole: f64) -> f64 {
    if part <= 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn shapes() -> impl Strategy<Value = Shape> {
        let period = Duration::from_secs(1);
        prop_oneof![
            Just(Shape::Step),
            Just(Shape::Ramp),
            Just(Shape::Spike(period)),
            Just(Shape::Sine(period)),
        ]
    }

    fn ways(most: f64) -> impl Strategy<Value = Transition> {
        let value = prop_oneof![Just(0.0), Just(most), 0.0..most];
        (value.clone(), value).prop_map(|(from, to)| Transition { from, to })
    }

    proptest! {
        #[test]
        fn the_integral_is_the_sum_of_the_rate(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0),
            rank in 0.0..1.0f64, end in 0.0..1.0f64,
        ) {
            let shape_of = StageShape::new(shape, rate, devices, rank);
            let steps = 20_000;
            let sum: f64 = (0..steps)
                .map(|n| (f64::from(n) + 0.5) / f64::from(steps) * end)
                .filter(|position| devices.at(shape.level(*position)) > rank)
                .map(|position| rate.at(shape.level(position)) * end / f64::from(steps))
                .sum();
            let ticks = shape_of.ticks(end);
            // The numeric sum is exact up to one step at each end.
            prop_assert!((ticks - sum).abs() < 0.02 + sum * 1e-3, "{ticks} {sum}");
        }

        #[test]
        fn a_tick_lies_where_the_integral_reaches_it(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0),
            rank in 0.0..1.0f64, part in 0.0..1.0f64,
        ) {
            let shape_of = StageShape::new(shape, rate, devices, rank);
            let all = shape_of.ticks(1.0);
            if all > 1e-6 {
                let position = shape_of.position(all * part);
                prop_assert!((0.0..=1.0).contains(&position));
                let back = shape_of.ticks(position);
                prop_assert!((back - all * part).abs() < 1e-6, "{back} {}", all * part);
            }
        }

        #[test]
        fn later_ticks_lie_later(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0), rank in 0.0..1.0f64,
        ) {
            let shape_of = StageShape::new(shape, rate, devices, rank);
            let all = shape_of.ticks(1.0);
            if all > 1e-6 {
                let places: Vec<f64> =
                    (0..100).map(|n| shape_of.position(all * f64::from(n) / 100.0)).collect();
                prop_assert!(places.is_sorted(), "{places:?}");
            }
        }
    }
}
