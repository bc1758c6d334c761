//! Bounds the handshakes in flight by the pace of the backend.
//!
//! The window follows TCP's congestion control: it doubles with each round of fast handshakes
//! until one is slow. From then on it grows by one a round, and halves when the backend is
//! overloaded.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The handshakes in flight of all workers at the start, 32. Brokers such as mosquitto have a
/// queue of 100 connections that wait to be accepted.
const FIRST_SIZE: u32 = 32;

/// The fewest handshakes in flight of all workers, 16: some devices may fail for good, and
/// must not stop the others.
const MIN_SIZE: u32 = 16;

/// The most handshakes in flight of all workers, 1,024.
const MAX_SIZE: u32 = 1024;

/// The time up to which each handshake is fast, 20 ms. Turns of the worker's own loop take
/// some milliseconds.
const FAST: Duration = Duration::from_millis(20);

/// The time up to which no handshake shows an overload, 1 s. From then on, the kernel repeats
/// a SYN that found the queue of the backend full.
const SLOW: Duration = Duration::from_secs(1);

/// The end of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandshakeEnd {
    /// The backend accepted the client.
    Accepted,
    /// The backend answered, and refused this client. Its load is not the reason.
    Refused,
    /// The backend did not answer in time, or at all.
    Unanswered,
}

/// The handshakes in flight of one worker.
#[derive(Debug)]
pub(crate) struct ConnectWindow {
    permits: Semaphore,
    /// The permits that exist, held or free.
    existing: Cell<usize>,
    size: Cell<f64>,
    min: f64,
    max: f64,
    /// Whether no handshake was slow so far.
    is_doubling: Cell<bool>,
    /// The time of the fastest handshake.
    fastest: Cell<Duration>,
    /// The time of the last reduction. Handshakes that began before do not reduce it again.
    reduced_at: Cell<Option<Instant>>,
}

impl ConnectWindow {
    /// Makes the window of one of `workers`.
    pub(crate) fn new(workers: u32) -> Self {
        let share = |all: u32| (all / workers.max(1)).max(1);
        let first = share(FIRST_SIZE);
        let permits = usize::try_from(first).unwrap_or(1);
        Self {
            permits: Semaphore::new(permits),
            existing: Cell::new(permits),
            size: Cell::new(f64::from(first)),
            min: f64::from(share(MIN_SIZE)),
            max: f64::from(share(MAX_SIZE)),
            is_doubling: Cell::new(true),
            fastest: Cell::new(Duration::MAX),
            reduced_at: Cell::new(None),
        }
    }

    /// Waits for the caller's place in the window. Callers get it in the order of their calls.
    pub(crate) async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    /// Adapts the window to a handshake that began at `began` and ended at `ended`.
    pub(crate) fn note(&self, end: HandshakeEnd, began: Instant, ended: Instant) {
        match end {
            HandshakeEnd::Accepted => self.note_accepted(began, ended),
            HandshakeEnd::Unanswered => self.reduce(began, ended),
            HandshakeEnd::Refused => {}
        }
    }

    fn note_accepted(&self, began: Instant, ended: Instant) {
        let took = ended.duration_since(began);
        self.fastest.set(self.fastest.get().min(took));
        let fastest = self.fastest.get();
        if took > SLOW.max(fastest.saturating_mul(8)) {
            return self.reduce(began, ended);
        }
        if took > FAST.max(fastest.saturating_mul(2)) {
            self.is_doubling.set(false);
            return;
        }
        let size = self.size.get();
        let growth = match self.is_doubling.get() {
            true => 1.0,
            false => size.recip(),
        };
        self.size.set((size + growth).min(self.max));
    }

    fn reduce(&self, began: Instant, ended: Instant) {
        self.is_doubling.set(false);
        if self.reduced_at.get().is_some_and(|at| began < at) {
            return;
        }
        self.reduced_at.set(Some(ended));
        self.size.set((self.size.get() / 2.0).max(self.min));
    }

    /// Frees a place. Adds or removes permits, so that as many exist as the window has places.
    pub(crate) fn release(&self, permit: Option<SemaphorePermit<'_>>) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least one, and at most a few thousand"
        )]
        let size = self.size.get() as usize;
        let existing = self.existing.get();
        if size >= existing {
            self.permits.add_permits(size - existing);
            return self.existing.set(size);
        }
        let forgotten = self.permits.forget_permits(existing - size);
        self.existing.set(existing - forgotten);
        if self.existing.get() > size
            && let Some(permit) = permit
        {
            permit.forget();
            self.existing.set(self.existing.get() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().build().unwrap();
        runtime.block_on(test);
    }

    /// A window, and the time at which its last handshake ended.
    struct Handshakes(ConnectWindow, Instant);

    impl Handshakes {
        fn new(workers: u32) -> Self {
            Self(ConnectWindow::new(workers), Instant::now())
        }

        /// Completes handshakes one after the other, each of which takes `ms`.
        async fn complete(&mut self, count: u32, ms: u64, end: HandshakeEnd) {
            for _ in 0..count {
                let permit = self.0.acquire().await;
                let began = self.1;
                self.1 += Duration::from_millis(ms);
                self.0.note(end, began, self.1);
                self.0.release(permit);
            }
        }

        fn places(&self) -> usize {
            self.0.existing.get()
        }
    }

    #[test]
    fn fast_handshakes_widen_the_window_up_to_its_maximum() {
        run(async {
            let mut window = Handshakes::new(2);
            assert_eq!(window.places(), 16);
            window.complete(16, 5, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 32, "it doubles with each round");
            window.complete(2_000, 5, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 512);
        });
    }

    #[test]
    fn slower_handshakes_end_the_doubling() {
        run(async {
            let mut window = Handshakes::new(1);
            window.complete(32, 100, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 64, "a long way is no load");
            window.complete(20, 250, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 64, "longer than twice the fastest");
            window.complete(65, 100, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 65, "one more a round");
        });
    }

    #[test]
    fn unanswered_handshakes_halve_the_window_once_a_round() {
        run(async {
            let mut window = Handshakes::new(1);
            window.complete(32, 5, HandshakeEnd::Accepted).await;
            let began = window.1;
            window.1 += Duration::from_secs(10);
            let mut held = Vec::new();
            for _ in 0..64 {
                held.push(window.0.acquire().await);
            }
            for permit in held {
                window.0.note(HandshakeEnd::Unanswered, began, window.1);
                window.0.release(permit);
            }
            assert_eq!(window.places(), 32);
            window.complete(5, 10, HandshakeEnd::Unanswered).await;
            assert_eq!(window.places(), 16, "the minimum");
            window.complete(17, 5, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 17);
        });
    }

    #[test]
    fn slow_handshake_is_an_overload_and_a_refused_client_is_none() {
        run(async {
            let mut window = Handshakes::new(1);
            window.complete(32, 5, HandshakeEnd::Accepted).await;
            window.complete(40, 5, HandshakeEnd::Refused).await;
            assert_eq!(window.places(), 64);
            window.complete(1, 1_200, HandshakeEnd::Accepted).await;
            assert_eq!(window.places(), 32);
        });
    }

    #[test]
    fn no_more_handshakes_are_in_flight_than_the_window_has_places() {
        run(async {
            let window = ConnectWindow::new(32);
            let held = window.acquire().await;
            let wait = Duration::from_millis(1);
            assert!(
                tokio::time::timeout(wait, window.acquire()).await.is_err(),
                "one place"
            );
            drop(held);
            assert!(tokio::time::timeout(wait, window.acquire()).await.is_ok());
        });
    }
}
