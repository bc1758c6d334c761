//! Assigns packet identifiers (MQTT 3.1.1, section 2.3.1).
//!
//! Messages use the identifiers from 1 to `max-in-flight` only. So a new process knows which
//! identifiers an earlier process of the same client id can have left half done.

/// The identifiers of SUBSCRIBE packets, the 16 highest: as many may wait for their SUBACK.
pub(crate) const SUBSCRIBE_IDS: std::ops::RangeInclusive<u16> = 65_520..=65_535;

/// The packet identifiers of one connection's messages.
#[derive(Debug)]
pub(crate) struct PacketIds {
    /// The highest identifier.
    limit: u16,
    /// The highest identifier that was ever taken.
    taken: u16,
    /// Identifiers that are free again.
    free: Vec<u16>,
}

impl PacketIds {
    /// Makes the identifiers 1 to `max_in_flight`, all of them free.
    pub(crate) fn new(max_in_flight: u16) -> Self {
        Self {
            limit: max_in_flight.min(*SUBSCRIBE_IDS.start() - 1),
            taken: 0,
            free: Vec::new(),
        }
    }

    /// Takes a free identifier, if there is one.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u16> {
        if let Some(id) = self.free.pop() {
            return Some(id);
        }
        if self.taken == self.limit {
            return None;
        }
        self.taken += 1;
        Some(self.taken)
    }

    /// Returns whether an identifier is free.
    pub(crate) fn has_free(&self) -> bool {
        !self.free.is_empty() || self.taken < self.limit
    }

    /// Frees an identifier that was taken; zero is none.
    #[inline]
    pub(crate) fn free(&mut self, id: u16) {
        if id != 0 {
            self.free.push(id);
        }
    }

    /// Frees all identifiers.
    pub(crate) fn clear(&mut self) {
        self.taken = 0;
        self.free.clear();
    }

    /// Returns all identifiers, free or not.
    pub(crate) fn all(&self) -> std::ops::RangeInclusive<u16> {
        1..=self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_in_use_are_not_taken_again() {
        let mut ids = PacketIds::new(3);
        let taken: Vec<_> = std::iter::from_fn(|| ids.take()).collect();
        assert_eq!(taken, [1, 2, 3]);
        ids.free(2);
        ids.free(0);
        assert!(ids.has_free());
        assert_eq!((ids.take(), ids.take()), (Some(2), None));
        assert!(!ids.has_free());
        ids.clear();
        assert_eq!(ids.take(), Some(1));
    }

    #[test]
    fn identifiers_of_messages_and_subscriptions_differ() {
        let mut ids = PacketIds::new(u16::MAX);
        let last = std::iter::from_fn(|| ids.take()).last();
        assert!(last.is_some_and(|last| !SUBSCRIBE_IDS.contains(&last)));
    }
}
