//! Rounds, clamps and checks numbers.

use crate::contract::error::Error;
use crate::generate::common::value::Value;

/// Powers of ten that leave a digit before the point exact.
const POWERS_OF_TEN: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Whole numbers below this are exact in a float.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Rounds a number to these decimals; with 0 it becomes an integer. A number that is not
/// finite is an error.
pub(crate) fn number(value: f64, decimals: Option<u8>) -> Result<Value, Error> {
    if !value.is_finite() {
        return Err(Error::failed(format_args!(
            "the value became {value}, which JSON cannot say; keep it in bounds"
        )));
    }
    Ok(rounded(value, decimals))
}

/// The same as [`number`], for a number that is known to be finite.
pub(crate) fn rounded(value: f64, decimals: Option<u8>) -> Value {
    match decimals {
        None => Value::Number(value),
        Some(0) => whole(value.round()),
        Some(decimals) => {
            let scale = POWERS_OF_TEN
                .get(usize::from(decimals))
                .copied()
                .unwrap_or(1e15);
            let scaled = value * scale;
            // Above this a float has no such decimals; the product may even be infinite.
            if scaled.abs() < MAX_EXACT_INTEGER {
                Value::Number(scaled.round() / scale)
            } else {
                Value::Number(value)
            }
        }
    }
}

/// A number without a fraction as an integer, if 64 bits are enough.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in the range of the integer"
)]
fn whole(value: f64) -> Value {
    /// 2^63, and 2^64.
    const BOUNDS: (f64, f64) = (9_223_372_036_854_775_808.0, 18_446_744_073_709_551_616.0);
    if (-BOUNDS.0..BOUNDS.0).contains(&value) {
        Value::Integer(value as i64)
    } else if (BOUNDS.0..BOUNDS.1).contains(&value) {
        Value::Unsigned(value as u64)
    } else {
        Value::Number(value)
    }
}

/// Microseconds as a number.
#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
pub(crate) const fn micros_as_f64(micros: i64) -> f64 {
    micros as f64
}

/// The value, or the bound that it passes.
pub(crate) const fn clamp_optional(value: f64, min: Option<f64>, max: Option<f64>) -> f64 {
    match (min, max) {
        (Some(min), _) if value < min => min,
        (_, Some(max)) if value > max => max,
        _ => value,
    }
}
