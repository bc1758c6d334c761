//! Counts messages of QoS 0 that the broker has surely read.
//!
//! A broker handles the packets of a connection in their order. So the answer to a ping shows
//! that it has read all messages before the ping. That the kernel took a message shows nothing:
//! megabytes can wait in the buffers of both sockets.

use std::collections::VecDeque;

/// The messages of QoS 0 of one open connection.
#[derive(Debug, Default)]
pub(crate) struct ReadProof {
    encoded: u64,
    /// Messages that are completely written.
    written: u64,
    /// Messages that the broker has read.
    proven: u64,
    /// The number of messages before each ping that is not answered.
    pings: VecDeque<u64>,
}

impl ReadProof {
    /// Notes an encoded message, and returns its number, from one.
    #[inline]
    pub(crate) fn note_encoded(&mut self) -> u64 {
        self.encoded += 1;
        self.encoded
    }

    /// Notes a written message, and returns its number, from one.
    #[inline]
    pub(crate) fn note_written(&mut self) -> u64 {
        self.written += 1;
        self.written
    }

    /// Returns the number of the last message that the broker has read.
    #[inline]
    pub(crate) fn proven(&self) -> u64 {
        self.proven
    }

    /// Returns whether a message is encoded behind the last ping.
    pub(crate) fn has_unpinged(&self) -> bool {
        let covered = self.pings.back().copied().unwrap_or(self.proven);
        self.encoded > covered
    }

    /// Notes a ping behind all encoded messages.
    pub(crate) fn note_ping(&mut self) {
        self.pings.push_back(self.encoded);
    }

    /// Notes the answer to the first of the open pings.
    pub(crate) fn note_answer(&mut self) {
        if let Some(before) = self.pings.pop_front() {
            self.proven = self.proven.max(before);
        }
    }

    /// Returns whether a ping is not answered.
    pub(crate) fn has_open_ping(&self) -> bool {
        !self.pings.is_empty()
    }

    /// Returns whether a message is written for which no answered ping stands.
    #[inline]
    pub(crate) fn is_wanting(&self) -> bool {
        self.written > self.proven
    }

    /// Returns whether only a further ping can prove that the broker has read all.
    pub(crate) fn needs_ping(&self) -> bool {
        let covered = self.pings.back().copied().unwrap_or(self.proven);
        self.written > covered
    }

    /// Ends the connection. Returns the number of its messages that are not proven.
    pub(crate) fn end(&mut self) -> u64 {
        let unproven = self.written.saturating_sub(self.proven);
        *self = Self::default();
        unproven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(proof: &mut ReadProof, messages: u32) {
        for _ in 0..messages {
            proof.note_encoded();
            proof.note_written();
        }
    }

    #[test]
    fn answer_proves_the_messages_before_its_ping() {
        let mut proof = ReadProof::default();
        write(&mut proof, 3);
        assert!(proof.needs_ping());
        proof.note_ping();
        assert!(!proof.needs_ping());
        assert!(proof.has_open_ping());
        write(&mut proof, 2);
        proof.note_answer();
        assert!(proof.is_wanting());
        assert!(proof.needs_ping());
        proof.note_ping();
        proof.note_answer();
        assert!(!proof.is_wanting());
        assert_eq!(proof.end(), 0);
    }

    #[test]
    fn message_that_is_not_written_is_not_unproven() {
        let mut proof = ReadProof::default();
        write(&mut proof, 4);
        proof.note_ping();
        write(&mut proof, 2);
        proof.note_encoded();
        assert_eq!(proof.end(), 6);
        assert_eq!(proof.end(), 0, "the next connection starts anew");
    }

    #[test]
    fn answer_without_a_ping_proves_nothing() {
        let mut proof = ReadProof::default();
        write(&mut proof, 1);
        proof.note_answer();
        assert_eq!(proof.end(), 1);
    }
}
