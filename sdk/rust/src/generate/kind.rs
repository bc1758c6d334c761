//! What every kind of generator has in common: a specification that is checked into a
//! shared plan, and a small state of each device. Knows no kind.

use std::fmt::Debug;

use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::at::At;
use super::problems::Check;
use super::value::Value;

/// Powers of ten that leave a digit before the point exact.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Whole numbers up to here are exact in a float, and so may become integers.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A specification: what a person writes.
pub(super) trait Specified {
    /// What it becomes once it is checked.
    type Kind: Kind;

    /// Checks it. `None` only when something was noted as wrong.
    fn check(&self, check: &mut Check<'_>) -> Option<Self::Kind>;
}

/// A checked specification: immutable, and shared by all devices of a cell.
pub(super) trait Kind: Debug {
    /// What each device keeps of it.
    type State: Debug + Clone;

    /// The state of a device at its birth.
    fn start(&self, rng: Rng) -> Self::State;

    /// The value at a moment.
    fn next(&self, state: &mut Self::State, at: &At<'_>) -> Result<Value, Error>;

    /// The sensor fault that the last value has, of kinds that know any.
    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        let _ = state;
        None
    }

    /// When the value changes next by itself, of kinds that know it.
    fn due(&self, state: &Self::State, at: &At<'_>) -> Option<Instant> {
        let _ = (state, at);
        None
    }
}

/// A number to so many decimals; with none a whole number. What is not finite is an error.
pub(super) fn number(value: f64, decimals: Option<u8>) -> Result<Value, Error> {
    if !value.is_finite() {
        return Err(Error::failed(format_args!(
            "the value became {value}, which JSON cannot say; keep it in bounds"
        )));
    }
    Ok(rounded(value, decimals))
}

/// As [`number`], of a number that is known to be finite.
pub(super) fn rounded(value: f64, decimals: Option<u8>) -> Value {
    match decimals {
        None => Value::Number(value),
        Some(0) if value.abs() < WHOLE => Value::Integer(whole(value)),
        Some(decimals) => {
            let scale = POWERS.get(usize::from(decimals)).copied().unwrap_or(1e15);
            let scaled = value * scale;
            // Past this a float has no such decimals; the product may even be infinite.
            if scaled.abs() < WHOLE {
                Value::Number(scaled.round() / scale)
            } else {
                Value::Number(value)
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "smaller than 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// Microseconds as a number.
#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
pub(super) const fn micros_as_f64(micros: i64) -> f64 {
    micros as f64
}

impl Check<'_> {
    /// A number must be finite; says whether it is.
    pub(super) fn finite(&mut self, key: &str, value: f64) -> bool {
        self.expect(
            value.is_finite(),
            key,
            format_args!("{value} is no number to work with; a finite one is"),
        )
    }

    /// A number must be finite and not below zero.
    pub(super) fn not_negative(&mut self, key: &str, value: f64) -> bool {
        self.finite(key, value)
            && self.expect(
                value >= 0.0,
                key,
                format_args!("{value} is below zero; 0 and more is right"),
            )
    }

    /// A number must be finite and above zero.
    pub(super) fn positive(&mut self, key: &str, value: f64) -> bool {
        self.finite(key, value)
            && self.expect(
                value > 0.0,
                key,
                format_args!("{value} is not above zero; any number above it is right"),
            )
    }

    /// A probability lies between 0 and 1.
    pub(super) fn probability(&mut self, key: &str, value: f64) -> bool {
        self.expect(
            (0.0..=1.0).contains(&value),
            key,
            format_args!("{value} is no probability; it lies between 0 and 1"),
        )
    }

    /// A share lies between 0 and 1.
    pub(super) fn share(&mut self, key: &str, value: f64) -> bool {
        self.expect(
            (0.0..=1.0).contains(&value),
            key,
            format_args!("{value} is no share; it lies between 0 and 1"),
        )
    }

    /// Bounds must be finite and in order.
    pub(super) fn bounds(&mut self, min: Option<f64>, max: Option<f64>) {
        let sound = min.is_none_or(|min| self.finite("min", min))
            & max.is_none_or(|max| self.finite("max", max));
        if let (true, Some(min), Some(max)) = (sound, min, max) {
            self.expect(
                min <= max,
                "min",
                format_args!("{min} lies above max, {max}; the lower one is min"),
            );
        }
    }

    /// So many decimals a float can have.
    pub(super) fn decimals(&mut self, decimals: Option<u8>) {
        if let Some(decimals) = decimals {
            self.expect(
                decimals <= 15,
                "decimals",
                format_args!("{decimals} decimals are more than a number has; 0 to 15 are right"),
            );
        }
    }

    /// A length of time that must not be zero.
    pub(super) fn some_time(&mut self, key: &str, span: super::Span) -> bool {
        self.expect(
            span.micros() > 0,
            key,
            "no time at all; it must be above zero, such as \"1s\"",
        )
    }
}
