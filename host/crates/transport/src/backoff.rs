//! How long to wait before the next try: doubling, with jitter, so that a broker's
//! restart is not followed by a stampede.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// The waits of one connection.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// The next wait: between half and all of 250 ms, 500 ms, … 30 s.
    pub(super) fn next(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.0.min(16)).min(LONGEST);
        self.0 += 1;
        full.mul_f64(0.5 + 0.5 * unit())
    }

    /// The connection worked: the next wait is a short one again.
    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }
}

/// A number in 0..1. `RandomState` takes a fresh key for each instance; when a
/// connection comes back is real time and not part of what a seed determines.
fn unit() -> f64 {
    let bits = RandomState::new().hash_one(0u8);
    f64::from(u32::try_from(bits >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        for (n, wait) in waits.iter().enumerate() {
            let full = FIRST.saturating_mul(1 << n.min(16)).min(LONGEST);
            assert!(*wait >= full / 2 && *wait <= full, "{n}: {wait:?}");
        }
        assert!(waits[10..].windows(2).any(|pair| pair[0] != pair[1]));
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
