//! Holds unused identifiers that the broker may have half done.
//!
//! A broker holds the identifier of a QoS 2 message until PUBREL, in a session that it
//! keeps. It takes a new message of that identifier for a copy, and discards it.

use crate::mqtt::session_state::packet_ids::PacketIds;

/// The identifiers of one connection to release before the next message.
#[derive(Debug)]
pub(crate) struct Releases {
    /// Whether an earlier process may have used any identifier.
    all: bool,
    /// Identifiers of messages that this process has given up.
    some: Vec<u16>,
    /// The number of connections in a row that ended before the broker had answered.
    failures: u8,
}

impl Releases {
    /// Starts with all identifiers if the broker keeps the session of an earlier process.
    pub(crate) fn new(all: bool) -> Self {
        Self {
            all,
            some: Vec::new(),
            failures: 0,
        }
    }

    /// Adds the identifier of a message that was sent and is given up; zero is none.
    pub(crate) fn add(&mut self, id: u16) {
        if id != 0 {
            self.some.push(id);
        }
    }

    /// Returns the identifiers to release.
    pub(crate) fn ids(&self, ids: &PacketIds) -> Vec<u16> {
        match self.all {
            true => ids.all().collect(),
            false => self.some.clone(),
        }
    }

    /// Notes that all are released, and frees them.
    pub(crate) fn complete(&mut self, ids: &mut PacketIds) {
        for id in self.some.drain(..) {
            ids.free(id);
        }
        self.all = false;
        self.failures = 0;
    }

    /// Notes that the connection ended before the broker had answered.
    pub(crate) fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Returns the number of connections in a row that ended before the broker had answered.
    pub(crate) fn failures(&self) -> u8 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_process_releases_every_identifier_once() {
        let mut ids = PacketIds::new(3);
        let mut releases = Releases::new(true);
        assert_eq!(releases.ids(&ids), [1, 2, 3]);
        releases.complete(&mut ids);
        assert!(releases.ids(&ids).is_empty());
        assert_eq!(ids.take(), Some(1), "and has used none of them");
    }

    #[test]
    fn abandoned_identifier_is_free_after_its_release() {
        let mut ids = PacketIds::new(2);
        let mut releases = Releases::new(false);
        assert_eq!((ids.take(), ids.take()), (Some(1), Some(2)));
        releases.add(2);
        assert_eq!((releases.ids(&ids), ids.take()), (vec![2], None));
        releases.complete(&mut ids);
        assert_eq!(ids.take(), Some(2));
    }
}
