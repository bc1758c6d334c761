//! Records latencies in a histogram.

use hdrhistogram::Histogram;

/// Distribution of a time in microseconds, with three significant digits.
#[derive(Debug, Clone)]
pub struct LatencyHistogram(Option<Histogram<u64>>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        // Three digits; the range grows with the values. `None` only if the crate refuses
        // three digits, which its documentation allows.
        Self(Histogram::new(3).ok())
    }
}

impl LatencyHistogram {
    /// Counts one value.
    pub fn record(&mut self, micros: u64) {
        if let Some(histogram) = &mut self.0 {
            // The range grows with the value. `saturating_record` would not grow it.
            let _ = histogram.record(micros);
        }
    }

    /// Returns the value below which a share (0 to 1) of all values is; 0 without values.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0, |histogram| histogram.value_at_quantile(share))
    }

    /// Returns the same value as `quantile`, or `None` if nothing was measured.
    #[must_use]
    pub fn measured(&self, share: f64) -> Option<u64> {
        (self.count() > 0).then(|| self.quantile(share))
    }

    /// Returns the largest value; 0 without values.
    #[must_use]
    pub fn max(&self) -> u64 {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty());
        histogram.map_or(0, Histogram::max)
    }

    /// Returns the values recorded since an earlier copy of this histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        if let (Some(mine), Some(earlier)) = (&mut later.0, &earlier.0) {
            // Fails only if the argument is no earlier copy.
            let _ = mine.subtract(earlier);
        }
        later
    }

    /// Returns the number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if let (Some(mine), Some(other)) = (&mut self.0, &other.0) {
            // Fails only if the range cannot grow.
            let _ = mine.add(other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_histogram_has_quantiles_of_zero() {
        let empty = LatencyHistogram::default();
        assert_eq!((empty.quantile(0.99), empty.max()), (0, 0));
        assert_eq!(empty.measured(0.99), None);
    }
}
