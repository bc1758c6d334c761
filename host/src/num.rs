//! Converts and divides numbers.

pub(crate) use mockfleet_metrics::as_f64;

/// Divides a part by its whole; 0 if the whole is 0.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Converts a length.
pub(crate) fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
