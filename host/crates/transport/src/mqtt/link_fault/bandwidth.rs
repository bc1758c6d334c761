//! Limits the bytes a second of a slow connection.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The portions a second in which bytes are sent: 20 look even and cost little.
const PORTIONS_PER_SECOND: u32 = 20;

/// The bytes that a slow connection may send.
pub(crate) struct BandwidthBudget {
    /// Bytes a second.
    rate: u64,
    /// The time before which nothing more is sent.
    free: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl BandwidthBudget {
    /// Adapts the budget of a session to the bandwidth of its connection.
    pub(crate) fn update(budget: &mut Option<Self>, rate: Option<u64>) {
        let known = budget.as_ref().map(|budget| budget.rate);
        if known != rate {
            *budget = rate.map(|rate| Self {
                rate,
                free: Instant::now(),
                sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            });
        }
    }

    /// Returns the bytes that may be sent now. If there are none, the task is woken later.
    pub(crate) fn permit<'a>(&mut self, cx: &mut Context<'_>, bytes: &'a [u8]) -> &'a [u8] {
        if Instant::now() < self.free {
            self.sleep.as_mut().reset(self.free);
            if self.sleep.as_mut().poll(cx).is_pending() {
                return &[];
            }
        }
        let portion =
            usize::try_from(self.rate / u64::from(PORTIONS_PER_SECOND)).unwrap_or(usize::MAX);
        bytes.get(..portion.max(1)).unwrap_or(bytes)
    }

    /// Subtracts bytes that were sent.
    pub(crate) fn spend(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a bandwidth is far below 2^53 bytes a second"
        )]
        let seconds = f64::from(bytes) / self.rate.max(1) as f64;
        let from = self.free.max(Instant::now());
        self.free = from + Duration::from_secs_f64(seconds);
    }
}
