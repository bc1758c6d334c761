//! Numbers as a sensor reports them. Knows nothing else.

/// `value` to so many decimals, at most 15, so that a payload says `21.54` and not
/// `21.537394812`.
#[must_use]
pub fn round(value: f64, decimals: u32) -> f64 {
    // 10^15 is the last power of ten that leaves a digit before the point exact.
    let scale = 10_f64.powi(i32::try_from(decimals.min(15)).unwrap_or(15));
    half_away(value * scale) / scale
}

/// `value.round()`, of instructions that WebAssembly has: it has none for halves away from
/// zero. The number before 0.5, since 0.5 would carry the number before it up to 1; LLVM
/// expands `round` so for processors without it.
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
