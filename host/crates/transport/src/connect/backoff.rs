//! Waits between two tries, twice as long each time, with jitter.
//!
//! The jitter spreads the connections of a fleet after a broker's restart.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The back-off of one connection: the number of tries since it last worked.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// Returns the next wait: between half and all of 250 ms, 500 ms, … 30 s.
    pub(crate) fn next(&mut self) -> Duration {
        let full = FIRST_WAIT.saturating_mul(1 << self.0.min(16)).min(MAX_WAIT);
        self.0 += 1;
        full.mul_f64(0.5 + 0.5 * unit())
    }

    /// Restarts the back-off after a connection that worked.
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Returns a random number in 0..1. `RandomState` has a fresh key for each instance. A
/// seed does not determine the time of a reconnect, which is real time.
fn unit() -> f64 {
    let bits = RandomState::new().hash_one(0u8);
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_with_jitter() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        for (n, wait) in waits.iter().enumerate() {
            let full = FIRST_WAIT.saturating_mul(1 << n.min(16)).min(MAX_WAIT);
            assert!(*wait >= full / 2 && *wait <= full, "{n}: {wait:?}");
        }
        assert!(waits[10..].windows(2).any(|pair| pair[0] != pair[1]));
        backoff.reset();
        assert!(backoff.next() <= FIRST_WAIT);
    }
}
