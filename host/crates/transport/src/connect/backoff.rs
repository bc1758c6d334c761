//! Waits between two tries, twice as long each time, with jitter.
//!
//! The jitter spreads the connections of a fleet after a broker's restart.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The time after which a connection has lasted, 30 s.
const LASTING: Duration = Duration::from_secs(30);

/// The same for a connection on which the backend has confirmed a message, 5 s.
const LASTING_IN_USE: Duration = Duration::from_secs(5);

/// The back-off of one connection: the number of tries since one has lasted.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// Returns the next wait: between half and all of 250 ms, 500 ms, … 30 s.
    pub(crate) fn next(&mut self) -> Duration {
        let full = FIRST_WAIT.saturating_mul(1 << self.0.min(16)).min(MAX_WAIT);
        self.0 += 1;
        full.mul_f64(0.5 + 0.5 * unit())
    }

    /// Notes the end of a connection. Only one that has lasted restarts the back-off: a
    /// backend can accept a connection and close it, again and again. Returns whether it has
    /// lasted.
    pub(crate) fn note_end(&mut self, lived: Duration, has_confirmed: bool) -> bool {
        let has_lasted = lived >= LASTING || has_confirmed && lived >= LASTING_IN_USE;
        if has_lasted {
            self.0 = 0;
        }
        has_lasted
    }

    /// Takes back the two last waits: one message was the reason for both.
    pub(crate) fn take_back(&mut self) {
        self.0 = self.0.saturating_sub(2);
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
        backoff.note_end(Duration::from_secs(30), false);
        assert!(backoff.next() <= FIRST_WAIT);
    }

    #[test]
    fn only_a_connection_that_lasted_restarts_the_waits() {
        let after = |lived, has_confirmed| {
            let mut backoff = Backoff(7);
            backoff.note_end(Duration::from_millis(lived), has_confirmed);
            backoff.0
        };
        assert_eq!((after(0, false), after(4_999, true)), (7, 7));
        assert_eq!((after(5_000, true), after(5_000, false)), (0, 7));
        assert_eq!((after(29_999, false), after(30_000, false)), (7, 0));
    }

    #[test]
    fn message_that_ended_connections_adds_no_wait() {
        let mut backoff = Backoff(3);
        backoff.take_back();
        assert_eq!(backoff.0, 1);
    }
}
