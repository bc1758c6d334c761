//! Limits the number of new connections.
//!
//! A fleet that connects at once measures the kernel's accept queue, not the backend. So the
//! handshakes in flight are bounded, and the fleet file can limit the connections a second.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use crate::connect::connect_window::{ConnectWindow, HandshakeEnd};

/// The limiter of one worker's connections to a target.
#[derive(Debug)]
pub(crate) struct ConnectLimiter {
    /// The time between two connections; zero without `connect-rate`.
    interval: Duration,
    next: Cell<Instant>,
    window: ConnectWindow,
}

/// A handshake in flight. Dropping it frees its place.
pub(crate) struct Handshake<'a> {
    limiter: &'a ConnectLimiter,
    permit: Option<SemaphorePermit<'a>>,
    began: Instant,
}

impl ConnectLimiter {
    /// Makes the limiter of one of `workers`, which permits one connection every `interval`.
    pub(crate) fn new(interval: Duration, workers: u32) -> Self {
        Self {
            interval,
            next: Cell::new(Instant::now()),
            window: ConnectWindow::new(workers),
        }
    }

    /// Waits until the caller may open a connection.
    pub(crate) async fn acquire(&self) -> Handshake<'_> {
        let permit = self.window.acquire().await;
        if self.interval > Duration::ZERO {
            let time = self.next.get().max(Instant::now());
            self.next.set(time + self.interval);
            tokio::time::sleep_until(time).await;
        }
        Handshake {
            limiter: self,
            permit,
            began: Instant::now(),
        }
    }
}

impl Handshake<'_> {
    /// Ends the handshake. The pace of the next ones follows from its end.
    pub(crate) fn end(self, end: HandshakeEnd) {
        let window = &self.limiter.window;
        window.note(end, self.began, Instant::now());
        window.release(self.permit);
    }
}
