//! Publishes the counters of a worker to other threads.

use std::sync::{Arc, Mutex, PoisonError};

use crate::counters::worker_counters::Counters;

/// Counters that one worker publishes and others read.
#[derive(Debug, Clone, Default)]
pub struct SharedCounters(Arc<Mutex<Counters>>);

impl SharedCounters {
    /// Replaces the published counters.
    pub fn publish(&self, counters: &Counters) {
        let mut published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        published.clone_from(counters);
    }

    /// Adds the published counters to `sum`.
    pub fn add_to(&self, sum: &mut Counters) {
        sum.add(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_two_workers_add_up() {
        let published = [SharedCounters::default(), SharedCounters::default()];
        for (shared, lag) in published.iter().zip([10, 1_000_000]) {
            let mut counters = Counters {
                messages: 3,
                ..Counters::default()
            };
            counters.lag.record(lag);
            shared.publish(&counters);
        }
        let mut sum = Counters::default();
        published.iter().for_each(|shared| shared.add_to(&mut sum));
        assert_eq!(sum.messages, 6);
        assert_eq!((sum.lag.quantile(0.5), sum.lag.max()), (10, 1_000_447));
    }
}
