//! Paced connecting: a fleet that connects all at once measures the kernel's accept
//! queue, not the backend.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// Hands out moments at which a connection may be opened, evenly spaced.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Cell<Instant>,
}

impl Pace {
    /// One moment every `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Cell::new(Instant::now()),
        }
    }

    /// Waits for this caller's moment.
    pub(super) async fn turn(&self) {
        let moment = self.next.get().max(Instant::now());
        self.next.set(moment + self.interval);
        tokio::time::sleep_until(moment).await;
    }
}
