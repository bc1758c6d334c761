//! Numbers as a sensor reports them. Knows nothing else.

/// `value` to so many decimals, at most 15, so that a payload says `21.54` and not
/// `21.537394812`.
#[must_use]
pub fn round(value: f64, decimals: u32) -> f64 {
    // 10^15 is the last power of ten that leaves a digit before the point exact.
    let scale = 10_f64.powi(i32::try_from(decimals.min(15)).unwrap_or(15));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_so_many_decimals() {
        let rounded = |value, decimals| round(value, decimals).to_string();
        assert_eq!(rounded(21.537_394, 2), "21.54");
        assert_eq!(rounded(-0.05, 1), "-0.1");
        assert_eq!(rounded(1234.5, 0), "1235");
        assert_eq!(rounded(0.1, 99), "0.1");
    }
}
