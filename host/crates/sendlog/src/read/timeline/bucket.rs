//! Maps times to buckets and merges their counts.

use hdrhistogram::Histogram;

use crate::read::timeline::model::Percentiles;
use crate::read::timeline::model::TimeBucket;

/// The time buckets of a timeline: their start, width and number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BucketGrid {
    start: i64,
    pub(crate) width: i64,
    pub(crate) count: usize,
    /// Whether messages were sent and due by the same clock, that of the machine.
    pub(crate) is_machine_clock: bool,
}

impl BucketGrid {
    pub(crate) fn new(start: i64, end: i64, width: i64, is_machine_clock: bool) -> Self {
        let last = usize::try_from((end - start) / width.max(1)).unwrap_or(0);
        Self {
            start,
            width: width.max(1),
            // The range is from the files' footers. A wrong footer must not allocate memory.
            count: (last + 1).min(10_000),
            is_machine_clock,
        }
    }

    /// Returns the bucket of a time. Earlier and later times count in the first and the last
    /// bucket.
    pub(crate) fn index(&self, at: i64) -> usize {
        let index = at.saturating_sub(self.start).max(0) / self.width;
        usize::try_from(index).unwrap_or(0).min(self.count - 1)
    }

    /// Returns the bucket of a sending time, if it is by the clock of the due times.
    pub(crate) fn index_of_sent(&self, at: i64) -> Option<usize> {
        self.is_machine_clock.then(|| self.index(at))
    }
}

/// A histogram of one time in one bucket. Two digits are as many as a picture can show. They
/// take 10 to 20 KiB.
type OptionalHistogram = Option<Box<Histogram<u32>>>;

pub(crate) fn record(histogram: &mut OptionalHistogram, micros: u64) {
    if histogram.is_none() {
        *histogram = Histogram::new(2).ok().map(Box::new);
    }
    if let Some(histogram) = histogram {
        // Cannot fail: the histogram grows with its values.
        let _ = histogram.record(micros);
    }
}

#[derive(Debug, Default)]
pub(crate) struct BucketCounts {
    pub(crate) counts: TimeBucket,
    pub(crate) latency: OptionalHistogram,
    pub(crate) lag: OptionalHistogram,
}

impl BucketCounts {
    pub(crate) fn merge(&mut self, other: Self) {
        let (mine, counts) = (&mut self.counts, other.counts);
        mine.due += counts.due;
        mine.sent += counts.sent;
        mine.missed += counts.missed;
        add(&mut mine.outcomes, &counts.outcomes);
        add(&mut mine.events, &counts.events);
        for (mine, other) in [
            (&mut self.latency, other.latency),
            (&mut self.lag, other.lag),
        ] {
            match (mine.as_mut(), other) {
                // Fails only if the histogram could not grow, and it can.
                (Some(mine), Some(other)) => drop(mine.add(*other)),
                (None, other) => *mine = other,
                (Some(_), None) => {}
            }
        }
    }

    pub(crate) fn into_slice(self) -> TimeBucket {
        let percentiles = |histogram: OptionalHistogram| -> Option<Percentiles> {
            let histogram = histogram?;
            Some([0.5, 0.95, 0.99].map(|share| histogram.value_at_quantile(share)))
        };
        TimeBucket {
            latency: percentiles(self.latency),
            lag: percentiles(self.lag),
            ..self.counts
        }
    }
}

pub(crate) fn add(sum: &mut [u64], counts: &[u64]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_by_another_clock_is_in_no_moment() {
        let frame = |is_machine_clock| BucketGrid::new(0, 100_000_000, 1_000_000, is_machine_clock);
        assert_eq!(frame(true).index_of_sent(5_500_000), Some(5));
        assert_eq!(frame(true).index_of_sent(101_000_000), Some(100));
        assert_eq!(frame(false).index_of_sent(5_500_000), None);
    }
}
