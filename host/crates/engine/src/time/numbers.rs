//! Rounds and scales whole numbers.

use mockfleet_metrics::as_f64;

/// Rounds to the nearest whole number, from 0 to `u64::MAX`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer stays in bounds"
)]
pub(crate) fn round_u64(n: f64) -> u64 {
    n.round() as u64
}

/// Multiplies a length, and rounds it to the nearest whole number.
pub(crate) fn scale(length: u64, factor: f64) -> u64 {
    round_u64(as_f64(length) * factor)
}

/// Multiplies a length by a share of it, from 0 to 1, and rounds down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer stays in bounds"
)]
pub(crate) fn part(length: u64, share: f64) -> u64 {
    (as_f64(length) * share) as u64
}
