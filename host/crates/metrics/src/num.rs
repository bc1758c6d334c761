//! Converts integers to floating point.

/// Converts a count; exact below 2^53.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are below 2^53, or shown with a few digits"
)]
pub fn as_f64(n: u64) -> f64 {
    n as f64
}
