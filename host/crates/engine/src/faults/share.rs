//! Computes a share of a duration.

use crate::time::clock::Micros;

/// Returns a share of a duration.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths are below 2^53 µs (285 years) and the share is not negative"
)]
pub(crate) fn part(length: Micros, share: f64) -> Micros {
    (length as f64 * share) as Micros
}
