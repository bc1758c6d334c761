//! Computes the daily load curve of a household.

/// The share of the evening peak at this hour, on top of the base load: 0 to 1, with a peak
/// half as high in the morning.
pub(crate) fn share_of_peak(hour: f64) -> f64 {
    (0.5 * peak_shape(hour, 7.5, 1.5) + peak_shape(hour, 19.5, 2.5)).min(1.0)
}

/// 1 at `middle`, a half at `width` hours from it, near 0 further away.
fn peak_shape(hour: f64, middle: f64, width: f64) -> f64 {
    // The shorter way around the clock.
    let away = (hour - middle + 36.0).rem_euclid(24.0) - 12.0;
    1.0 / (1.0 + (away / width).powi(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_peaks_in_the_evening_and_half_as_high_in_the_morning() {
        assert!(share_of_peak(19.5) > 0.99);
        assert!((0.45..0.6).contains(&share_of_peak(7.5)));
        assert!(share_of_peak(3.0) < 0.02);
        for minute in 0..24 * 60 {
            let share = share_of_peak(f64::from(minute) / 60.0);
            assert!((0.0..=1.0).contains(&share));
        }
    }

    #[test]
    fn midnight_is_no_edge() {
        let (before, after) = (share_of_peak(23.999), share_of_peak(0.001));
        assert!((before - after).abs() < 0.001);
    }
}
