//! Measures the fill level of an outbox.

/// Fill level of a device's outbox, the queue of its open messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Open messages.
    pub open: u32,
    /// Capacity in messages.
    pub of: u32,
}

impl QueueDepth {
    /// Returns the one of two with the larger share of its capacity in use.
    #[must_use]
    pub fn fuller(self, other: Self) -> Self {
        let part = |depth: Self, of: u32| u64::from(depth.open) * u64::from(of.max(1));
        if part(other, self.of) > part(self, other.of) {
            other
        } else {
            self
        }
    }
}
