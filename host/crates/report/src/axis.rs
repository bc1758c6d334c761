//! Computes scales, ticks and labels of axes.

use mockfleet_metrics::{count, micros};

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A number a second.
    Rate,
    /// Microseconds.
    Time,
    /// A number.
    Count,
}

impl Unit {
    /// Formats a value with its unit.
    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            Self::Rate if value >= 9.95 || value == 0.0 => format!("{}/s", count(whole(value))),
            Self::Rate => format!("{value:.1}/s"),
            Self::Time => short_time(whole(value)),
            Self::Count => count(whole(value)),
        }
    }

    /// Returns the name of the unit in the page's script.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Time => "time",
            Self::Count => "count",
        }
    }
}

/// Formats a round time: `50 ms` instead of `50.0 ms`.
fn short_time(n: u64) -> String {
    micros(n).replace(".00 ", " ").replace(".0 ", " ")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are positive and far below 2^53"
)]
pub(crate) fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

/// A vertical axis from its lower to its upper end, even or by powers of ten.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    by_tens: bool,
    /// Values of the ticks.
    pub(crate) ticks: Vec<f64>,
}

/// Ratio of the largest to the middle time above which an axis uses powers of ten. On an even
/// axis, all but the peak would be at the bottom.
const PEAKED: f64 = 20.0;

/// Smallest number that differs from 0 here.
const TINY: f64 = 1e-300;

impl Scale {
    /// Returns an axis for values. It uses powers of ten only if `may_be_by_tens` is set.
    pub(crate) fn for_values(values: &mut [f64], may_be_by_tens: bool) -> Self {
        values.sort_by(f64::total_cmp);
        let high = values.last().copied().unwrap_or(0.0);
        let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
        if may_be_by_tens && middle > 0.0 && high > PEAKED * middle {
            let least = values.iter().find(|value| **value > 0.0);
            return Self::tens(least.copied().unwrap_or(1.0), high);
        }
        Self::even(high)
    }

    fn even(high: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / 4.0);
        let mut ticks = vec![0.0];
        while ticks.last().is_some_and(|last| *last < high * 0.999_999) {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            ticks.push(step * ticks.len() as f64);
        }
        Self {
            low: 0.0,
            high: ticks.last().copied().unwrap_or(high),
            by_tens: false,
            ticks,
        }
    }

    /// Returns an axis around values of any sign.
    pub(crate) fn around(low: f64, high: f64) -> Self {
        // A level line is in the middle of the axis. A range below `TINY` counts as level,
        // since it is too small to divide by.
        let room = match (high - low > TINY, low.abs() > TINY) {
            (true, _) => 0.0,
            (false, true) => low.abs() * 0.1,
            (false, false) => 1.0,
        };
        let (low, high) = (low - room, high + room);
        let step = round_step((high - low) / 5.0);
        let first = (low / step).floor();
        let mut ticks: Vec<f64> = Vec::new();
        // Eight ticks are enough, and end the loop. A step may be less than the difference of
        // two floating-point numbers.
        for number in 0..8 {
            if ticks.last().is_some_and(|last| *last >= high - step * 1e-6) {
                break;
            }
            ticks.push((first + f64::from(number)) * step);
        }
        Self {
            low: ticks.first().copied().unwrap_or(low),
            high: ticks.last().copied().unwrap_or(high),
            by_tens: false,
            ticks,
        }
    }

    fn tens(low: f64, high: f64) -> Self {
        let (from, to) = (low.log10().floor(), high.log10().ceil());
        let mut ticks = Vec::new();
        let mut power = from;
        while power <= to {
            ticks.push(10f64.powf(power));
            power += 1.0;
        }
        Self {
            low: from,
            high: to.max(from + 1.0),
            by_tens: true,
            ticks,
        }
    }

    /// Returns whether the axis uses powers of ten.
    pub(crate) const fn is_by_tens(&self) -> bool {
        self.by_tens
    }

    /// Returns the position of a value on the axis, 0 to 1.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let value = match self.by_tens {
            true if value <= 0.0 => return 0.0,
            true => value.log10(),
            false => value,
        };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// Formats the ticks of an even axis, all with the digits that distinguish them.
pub(crate) fn marks(ticks: &[f64]) -> Vec<String> {
    let largest = ticks
        .iter()
        .fold(0.0, |most: f64, tick| most.max(tick.abs()));
    if largest >= 1e12 || (largest > 0.0 && largest < 1e-6) {
        return ticks.iter().map(|tick| format!("{tick:.2e}")).collect();
    }
    let exact = |tick: &f64, digits: i32| {
        let scaled = tick * 10f64.powi(digits);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0)
    };
    let digits = (0..12).find(|digits| ticks.iter().all(|tick| exact(tick, *digits)));
    let digits = usize::try_from(digits.unwrap_or(12)).unwrap_or(0);
    ticks
        .iter()
        // Replace a negative zero.
        .map(|tick| format!("{:.digits$}", if *tick == 0.0 { 0.0 } else { *tick }))
        .collect()
}

/// Returns the next of 1, 2, 2.5, 5, 10 and so on.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let found = steps
        .iter()
        .find(|step| **step * power >= least * 0.999_999);
    found.copied().unwrap_or(10.0) * power
}

/// Steps of a time axis that people are used to, in microseconds.
const STEPS: [i64; 24] = [
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    15_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    900_000_000,
    1_800_000_000,
    3_600_000_000,
    7_200_000_000,
    21_600_000_000,
    43_200_000_000,
    86_400_000_000,
    172_800_000_000,
    604_800_000_000,
    2_592_000_000_000,
    7_776_000_000_000,
];

/// Returns the ticks of a time axis of this length, each with its time in microseconds and its
/// label.
pub(crate) fn times(length: i64) -> Vec<(i64, String)> {
    let wanted = length / 7;
    let step = STEPS.iter().find(|step| **step >= wanted);
    let step = step.copied().unwrap_or(wanted.max(1));
    let mut marks = Vec::new();
    let mut at = 0;
    while at <= length {
        marks.push((at, since(at)));
        at += step;
    }
    marks
}

/// Formats the time since the start: `0`, `1.5 s`, `2 min`, `1 h 30`, `3 d 6 h`.
pub(crate) fn since(micros: i64) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    match seconds {
        _ if micros == 0 => "0".into(),
        0..60 if rest > 0 => format!("{seconds}.{} s", rest / 100_000),
        0..60 => format!("{seconds} s"),
        60..3_600 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        3_600..86_400 if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        3_600..86_400 => format!("{} h {:02}", seconds / 3_600, seconds % 3_600 / 60),
        _ if seconds % 86_400 < 3_600 => format!("{} d", seconds / 86_400),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_axis_has_round_marks_above_its_largest_value() {
        let scale = Scale::for_values(&mut [3.0, 950.0, 400.0], false);
        assert_eq!(scale.ticks, [0.0, 250.0, 500.0, 750.0, 1000.0]);
        assert_eq!(scale.place(500.0), 0.5);
        assert_eq!(Scale::for_values(&mut [], false).ticks.len(), 5);
        assert_eq!(Scale::for_values(&mut [0.0], true).place(0.0), 0.0);
    }

    #[test]
    fn an_axis_around_values_needs_no_zero() {
        let scale = Scale::around(20.3, 22.9);
        assert_eq!(scale.ticks, [20.0, 21.0, 22.0, 23.0]);
        assert_eq!(scale.place(20.0), 0.0);
        assert_eq!(marks(&scale.ticks), ["20", "21", "22", "23"]);
        let below = Scale::around(-0.04, 0.011);
        assert_eq!(marks(&below.ticks), ["-0.04", "-0.02", "0.00", "0.02"]);
        let level = Scale::around(5.0, 5.0);
        assert_eq!(
            marks(&level.ticks),
            ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"]
        );
        assert!((level.place(5.0) - 0.5).abs() < 1e-9);
        assert_eq!(Scale::around(0.0, 0.0).place(0.0), 0.5);
    }

    #[test]
    fn an_axis_ends_in_any_arithmetic() {
        for (low, high) in [
            (1e17, 1e17),
            (-1e300, 1e300),
            (1e16, 1e16 + 2.0),
            (0.0, 5e-324),
        ] {
            let scale = Scale::around(low, high);
            assert!(scale.ticks.len() <= 8);
            assert!((0.0..=1.0).contains(&scale.place(high)), "{low} {high}");
        }
        assert_eq!(marks(&[0.0, 1e300]), ["0.00e0", "1.00e300"]);
    }

    #[test]
    fn times_with_a_peak_go_by_powers_of_ten() {
        let scale = Scale::for_values(&mut [800.0, 1_000.0, 1_200.0, 900_000.0], true);
        assert!(scale.is_by_tens());
        assert_eq!(scale.ticks, [100.0, 1e3, 1e4, 1e5, 1e6]);
        assert!((scale.place(1e4) - 0.5).abs() < 1e-9);
        assert!(!Scale::for_values(&mut [800.0, 1_000.0, 5_000.0], true).is_by_tens());
    }

    #[test]
    fn a_time_axis_counts_as_people_do() {
        let words =
            |length| -> Vec<String> { times(length).into_iter().map(|(_, words)| words).collect() };
        assert_eq!(words(2_000_000), ["0", "0.5 s", "1 s", "1.5 s", "2 s"]);
        assert_eq!(words(60_000_000).last().unwrap(), "1 min");
        assert_eq!(words(7_200_000_000)[1], "30 min");
        assert_eq!(since(5_400_000_000), "1 h 30");
        assert_eq!(since(3 * 86_400_000_000), "3 d");
    }

    #[test]
    fn figures_have_their_units() {
        assert_eq!(Unit::Rate.shown(1_250.4), "1,250/s");
        assert_eq!(Unit::Rate.shown(2.5), "2.5/s");
        assert_eq!(Unit::Time.shown(50_000.0), "50 ms");
        assert_eq!(Unit::Time.shown(1_500.0), "1.5 ms");
        assert_eq!(Unit::Count.shown(1e6), "1,000,000");
    }
}
