//! Maps times to buckets and merges their counts.

use hdrhistogram::Histogram;

use crate::read::timeline::model::Percentiles;
use crate::read::timeline::model::TimeBucket;

/// Where the moments lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BucketGrid {
    start: i64,
    pub(crate) width: i64,
    pub(crate) count: usize,
    /// Whether when messages left is by the clock by which they were due.
    pub(crate) is_machine_clock: bool,
}

impl BucketGrid {
    pub(crate) fn new(start: i64, end: i64, width: i64, is_machine_clock: bool) -> Self {
        let last = usize::try_from((end - start) / width.max(1)).unwrap_or(0);
        Self {
            start,
            width: width.max(1),
            // Its files say when its rows were; a file that lies takes no memory.
            count: (last + 1).min(10_000),
            is_machine_clock,
        }
    }

    /// The moment of a time; those before and after belong to the first and the last.
    pub(crate) fn index(&self, at: i64) -> usize {
        let index = at.saturating_sub(self.start).max(0) / self.width;
        usize::try_from(index).unwrap_or(0).min(self.count - 1)
    }

    /// The same for when something left.
    pub(crate) fn index_of_sent(&self, at: i64) -> Option<usize> {
        self.is_machine_clock.then(|| self.index(at))
    }
}

/// A time in one moment: two digits are what a picture can show, and take 10 to 20 KiB.
type OptionalHistogram = Option<Box<Histogram<u32>>>;

pub(crate) fn record(histogram: &mut OptionalHistogram, micros: u64) {
    if histogram.is_none() {
        *histogram = Histogram::new(2).ok().map(Box::new);
    }
    if let Some(histogram) = histogram {
        // It grows with its values.
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
                // Fails only where this one could not grow, and it can.
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
