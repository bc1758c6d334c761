//! Rounds numbers as a sensor reports them.

/// Rounds `value` to this many decimals, at most 15, so that a payload has `21.54` instead
/// of `21.537394812`.
#[must_use]
pub fn round(value: f64, decimals: u32) -> f64 {
    // 10^15 is the last power of ten that leaves a digit before the point exact.
    let scale = 10_f64.powi(i32::try_from(decimals.min(15)).unwrap_or(15));
    half_away(value * scale) / scale
}

/// The same as `value.round()`, made of instructions that WebAssembly has: it has none that
/// rounds halves away from zero. It adds the number before 0.5, since 0.5 would round the
/// number before 0.5 up to 1. LLVM expands `round` the same way for processors without it.
fn half_away(value: f64) -> f64 {
    (value + 0.5_f64.next_down().copysign(value)).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halves_go_away_from_zero(value in any::<f64>(), half in -10_000_i32..10_000) {
            let half = f64::from(half) / 2.0;
            for value in [value, half, half.next_up(), half.next_down()] {
                prop_assert_eq!(half_away(value).to_bits(), value.round().to_bits());
            }
        }
    }

    #[test]
    fn numbers_keep_so_many_decimals() {
        let rounded = |value, decimals| round(value, decimals).to_string();
        assert_eq!(rounded(21.537_394, 2), "21.54");
        assert_eq!(rounded(-0.05, 1), "-0.1");
        assert_eq!(rounded(1234.5, 0), "1235");
        assert_eq!(rounded(0.1, 99), "0.1");
    }
}
