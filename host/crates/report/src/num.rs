//! Converts integers to floating point.

pub(crate) use mockfleet_metrics::as_f64;

/// Converts a difference of times, exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
pub(crate) fn signed_as_f64(n: i64) -> f64 {
    n as f64
}
