//! Computes ticks within one wave of a stage, for one device.
//!
//! The closed forms give the number of ticks up to a position in the wave, and the position of a
//! tick. A device therefore needs no state for it. The units of the caller, seconds and stages, do
//! not matter here.
//!
//! A position is 0 to 1 of the wave. The rate there is `from + (to - from) * level`. A device whose
//! rank is not below the share of active devices has rate 0. A level rises once in a wave and may
//! fall once, so a device is active between two positions, or inactive between two positions.

use std::f64::consts::{PI, TAU};

use mockfleet_config::{Shape, Transition};

/// Turns of the search for a place under a sine: each doubles the digits, and where it
/// cannot, each halves the room that is left.
const MAX_ITERATIONS: u32 = 64;

/// A wave, for a device whose turn to be on is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StageShape {
    shape: Shape,
    rate: Transition,
    active: ActiveRange,
}

/// Where in the wave a device is on.
#[derive(Debug, Clone, Copy)]
enum ActiveRange {
    Never,
    /// Between two places.
    Inside(f64, f64),
    /// All but between two places.
    Outside(f64, f64),
}

impl StageShape {
    /// The wave for a device whose turn, 0 to 1, is `turn`: it is on where the share of
    /// devices is more than that.
    pub(crate) fn of(shape: Shape, rate: Transition, devices: Transition, rank: f64) -> Self {
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

    /// Where the device is first on.
    pub(crate) fn first_active(&self) -> Option<f64> {
        match self.active {
            ActiveRange::Never => None,
            ActiveRange::Inside(begin, _) => Some(begin),
            ActiveRange::Outside(..) => Some(0.0),
        }
    }

    /// The integral of the rate from the beginning to a place, in ticks, for a wave
    /// that takes a second.
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

    /// The place up to which there are so many ticks, and beyond which there are more.
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

    /// The integral of the rate, were the device on all the time.
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

    /// The inverse of `area`.
    fn inverse_integral(&self, ticks: f64) -> f64 {
        let Transition { from, to } = self.rate;
        let position = match self.shape {
            Shape::Step => ratio(ticks, to),
            Shape::Ramp => rising(from, (to - from) / 2.0, ticks),
            Shape::Spike(_) => {
                // The second half is the first one backwards.
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

    /// Newton's method, held between two places that close in on the right one.
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
            // A place is good when it moves by less than a part in 10^15 of the wave.
            if (next - position).abs() < 1e-15 {
                return next;
            }
            position = next;
        }
        position
    }
}

/// Between which places a level is more than this one, 0 to 1.
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

/// Where `from * x + bend * x²` is so many ticks: the root that stays exact when the
/// bend is nothing.
fn rising(from: f64, bend: f64, ticks: f64) -> f64 {
    let root = (from * from + 4.0 * bend * ticks).max(0.0).sqrt();
    ratio(2.0 * ticks, from + root)
}

/// Nothing over nothing is nothing.
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
            let shape_of = StageShape::of(shape, rate, devices, rank);
            let steps = 20_000;
            let sum: f64 = (0..steps)
                .map(|n| (f64::from(n) + 0.5) / f64::from(steps) * end)
                .filter(|position| devices.at(shape.level(*position)) > rank)
                .map(|position| rate.at(shape.level(position)) * end / f64::from(steps))
                .sum();
            let ticks = shape_of.ticks(end);
            // A border of the sum lies within a step.
            prop_assert!((ticks - sum).abs() < 0.02 + sum * 1e-3, "{ticks} {sum}");
        }

        #[test]
        fn a_tick_lies_where_the_integral_reaches_it(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0),
            rank in 0.0..1.0f64, part in 0.0..1.0f64,
        ) {
            let shape_of = StageShape::of(shape, rate, devices, rank);
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
            let shape_of = StageShape::of(shape, rate, devices, rank);
            let all = shape_of.ticks(1.0);
            if all > 1e-6 {
                let places: Vec<f64> =
                    (0..100).map(|n| shape_of.position(all * f64::from(n) / 100.0)).collect();
                prop_assert!(places.is_sorted(), "{places:?}");
            }
        }
    }
}
