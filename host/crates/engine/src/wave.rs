//! One wave of a stage, for one device: how many ticks it brings up to a place in it,
//! and where in it a tick lies. Closed forms, so that a device needs no memory of
//! where it is; knows nothing of seconds and of stages.
//!
//! A place is 0 to 1 of the wave. The rate there is `from + (to - from) * level`, and
//! a device whose turn is not below the share of devices that are on has none. A
//! level rises once in a wave and may fall once, so a device is on from one place to
//! another, or off from one place to another.

use std::f64::consts::{PI, TAU};

use mockfleet_config::{Shape, Transition};

/// Turns of the search for a place under a sine: each doubles the digits, and where it
/// cannot, each halves the room that is left.
const TURNS: u32 = 64;

/// A wave, for a device whose turn to be on is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wave {
    shape: Shape,
    rate: Transition,
    on: On,
}

/// Where in the wave a device is on.
#[derive(Debug, Clone, Copy)]
enum On {
    Never,
    /// Between two places.
    Inside(f64, f64),
    /// All but between two places.
    Outside(f64, f64),
}

impl Wave {
    /// The wave for a device whose turn, 0 to 1, is `turn`: it is on where the share of
    /// devices is more than that.
    pub(super) fn of(shape: Shape, rate: Transition, devices: Transition, turn: f64) -> Self {
        let on = match (devices.from > turn, devices.to > turn) {
            (true, true) => On::Inside(0.0, 1.0),
            (false, false) => On::Never,
            (false, true) => {
                let (begin, end) =
                    above(shape, (turn - devices.from) / (devices.to - devices.from));
                On::Inside(begin, end)
            }
            (true, false) => {
                let (begin, end) =
                    above(shape, (turn - devices.from) / (devices.to - devices.from));
                On::Outside(begin, end)
            }
        };
        Self { shape, rate, on }
    }

    /// Where the device is first on.
    pub(super) fn first_on(&self) -> Option<f64> {
        match self.on {
            On::Never => None,
            On::Inside(begin, _) => Some(begin),
            On::Outside(..) => Some(0.0),
        }
    }

    /// The integral of the rate from the beginning to a place, in ticks, for a wave
    /// that takes a second.
    pub(super) fn ticks(&self, place: f64) -> f64 {
        match self.on {
            On::Never => 0.0,
            On::Inside(begin, end) => {
                (self.area(place.clamp(begin, end)) - self.area(begin)).max(0.0)
            }
            On::Outside(begin, end) => {
                let after = (self.area(place.max(end)) - self.area(end)).max(0.0);
                self.area(place.min(begin)) + after
            }
        }
    }

    /// The place up to which there are so many ticks, and beyond which there are more.
    pub(super) fn place(&self, ticks: f64) -> f64 {
        match self.on {
            On::Never => 1.0,
            On::Inside(begin, end) => self.under(ticks + self.area(begin)).clamp(begin, end),
            On::Outside(begin, end) => {
                let before = self.area(begin);
                if ticks < before {
                    self.under(ticks).min(begin)
                } else {
                    self.under(ticks - before + self.area(end)).max(end)
                }
            }
        }
    }

    /// The integral of the rate, were the device on all the time.
    fn area(&self, place: f64) -> f64 {
        let Transition { from, to } = self.rate;
        let level = match self.shape {
            Shape::Step => place,
            Shape::Ramp => place * place / 2.0,
            Shape::Spike(_) if place <= 0.5 => place * place,
            Shape::Spike(_) => 0.5 - (1.0 - place) * (1.0 - place),
            Shape::Sine(_) => place / 2.0 - libm::sin(TAU * place) / (4.0 * PI),
        };
        from * place + (to - from) * level
    }

    /// The inverse of `area`.
    fn under(&self, ticks: f64) -> f64 {
        let Transition { from, to } = self.rate;
        let place = match self.shape {
            Shape::Step => ratio(ticks, to),
            Shape::Ramp => rising(from, (to - from) / 2.0, ticks),
            Shape::Spike(_) => {
                // The second half is the first one backwards.
                let whole = self.area(1.0);
                if ticks <= whole / 2.0 {
                    rising(from, to - from, ticks)
                } else {
                    1.0 - rising(from, to - from, whole - ticks)
                }
            }
            Shape::Sine(_) => self.search(ticks),
        };
        place.clamp(0.0, 1.0)
    }

    /// Newton's method, held between two places that close in on the right one.
    fn search(&self, ticks: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        let mut place = ratio(ticks, self.area(1.0)).clamp(0.0, 1.0);
        for _ in 0..TURNS {
            let beyond = self.area(place) - ticks;
            if beyond > 0.0 {
                high = place;
            } else {
                low = place;
            }
            let next = place - beyond / self.rate.at(self.shape.level(place));
            let next = if next > low && next < high {
                next
            } else {
                low + (high - low) / 2.0
            };
            // A place is good when it moves by less than a part in 10^15 of the wave.
            if (next - place).abs() < 1e-15 {
                return next;
            }
            place = next;
        }
        place
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
            turn in 0.0..1.0f64, end in 0.0..1.0f64,
        ) {
            let wave = Wave::of(shape, rate, devices, turn);
            let steps = 20_000;
            let sum: f64 = (0..steps)
                .map(|n| (f64::from(n) + 0.5) / f64::from(steps) * end)
                .filter(|place| devices.at(shape.level(*place)) > turn)
                .map(|place| rate.at(shape.level(place)) * end / f64::from(steps))
                .sum();
            let ticks = wave.ticks(end);
            // A border of the sum lies within a step.
            prop_assert!((ticks - sum).abs() < 0.02 + sum * 1e-3, "{ticks} {sum}");
        }

        #[test]
        fn a_tick_lies_where_the_integral_reaches_it(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0),
            turn in 0.0..1.0f64, part in 0.0..1.0f64,
        ) {
            let wave = Wave::of(shape, rate, devices, turn);
            let all = wave.ticks(1.0);
            if all > 1e-6 {
                let place = wave.place(all * part);
                prop_assert!((0.0..=1.0).contains(&place));
                let back = wave.ticks(place);
                prop_assert!((back - all * part).abs() < 1e-6, "{back} {}", all * part);
            }
        }

        #[test]
        fn later_ticks_lie_later(
            shape in shapes(), rate in ways(100.0), devices in ways(1.0), turn in 0.0..1.0f64,
        ) {
            let wave = Wave::of(shape, rate, devices, turn);
            let all = wave.ticks(1.0);
            if all > 1e-6 {
                let places: Vec<f64> =
                    (0..100).map(|n| wave.place(all * f64::from(n) / 100.0)).collect();
                prop_assert!(places.is_sorted(), "{places:?}");
            }
        }
    }
}
