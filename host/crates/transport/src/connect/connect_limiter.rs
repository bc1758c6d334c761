//! Limits the number of new connections a second.
//!
//! A fleet that connects at once measures the kernel's accept queue, not the backend.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// A limiter that permits one connection per interval.
#[derive(Debug)]
pub(crate) struct ConnectLimiter {
    interval: Duration,
    next: Cell<Instant>,
}

impl ConnectLimiter {
    /// Permits one connection every `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Cell::new(Instant::now()),
        }
    }

    /// Waits until the caller may open a connection.
    pub(crate) async fn acquire(&self) {
        let time = self.next.get().max(Instant::now());
        self.next.set(time + self.interval);
        tokio::time::sleep_until(time).await;
    }
}
