//! The moments of a run: where they lie, and what is counted and timed in each.

use hdrhistogram::Histogram;

use super::{Quantiles, Slice};

/// Where the moments lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    start: i64,
    pub(super) width: i64,
    pub(super) count: usize,
    /// Whether when messages left is by the clock by which they were due.
    pub(super) by_the_machine: bool,
}

impl Frame {
    pub(super) fn new(start: i64, end: i64, width: i64, by_the_machine: bool) -> Self {
        let last = usize::try_from((end - start) / width.max(1)).unwrap_or(0);
        Self {
            start,
            width: width.max(1),
            // Its files say when its rows were; a file that lies takes no memory.
            count: (last + 1).min(10_000),
            by_the_machine,
        }
    }

    /// The moment of a time; those before and after belong to the first and the last.
    pub(super) fn place(&self, at: i64) -> usize {
        let place = at.saturating_sub(self.start).max(0) / self.width;
        usize::try_from(place).unwrap_or(0).min(self.count - 1)
    }

    /// The same for when something left.
    pub(super) fn place_of_sent(&self, at: i64) -> Option<usize> {
        self.by_the_machine.then(|| self.place(at))
    }
}

/// A time in one moment: two digits are what a picture can show, and take 10 to 20 KiB.
type Spread = Option<Box<Histogram<u32>>>;

pub(super) fn record(spread: &mut Spread, micros: u64) {
    if spread.is_none() {
        *spread = Histogram::new(2).ok().map(Box::new);
    }
    if let Some(histogram) = spread {
        // It grows with its values.
        let _ = histogram.record(micros);
    }
}

#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) counts: Slice,
    pub(super) latency: Spread,
    pub(super) lag: Spread,
}

impl Cell {
    pub(super) fn merge(&mut self, other: Self) {
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

    pub(super) fn into_slice(self) -> Slice {
        let quantiles = |spread: Spread| -> Option<Quantiles> {
            let histogram = spread?;
            Some([0.5, 0.95, 0.99].map(|share| histogram.value_at_quantile(share)))
        };
        Slice {
            latency: quantiles(self.latency),
            lag: quantiles(self.lag),
            ..self.counts
        }
    }
}

pub(super) fn add(sum: &mut [u64], counts: &[u64]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_by_another_clock_is_in_no_moment() {
        let frame = |by_the_machine| Frame::new(0, 100_000_000, 1_000_000, by_the_machine);
        assert_eq!(frame(true).place_of_sent(5_500_000), Some(5));
        assert_eq!(frame(true).place_of_sent(101_000_000), Some(100));
        assert_eq!(frame(false).place_of_sent(5_500_000), None);
    }
}
