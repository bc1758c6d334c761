//! Converts integers to floating-point numbers.

/// Returns the nearest floating-point number; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) fn as_f64(n: u64) -> f64 {
    n as f64
}
