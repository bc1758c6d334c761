//! Holds messages of QoS 0 that may end the connection.
//!
//! Nothing confirms a message of QoS 0. So a message in doubt has a ping behind it, and is
//! `sent` with the answer. In doubt is a message that is larger than all that the broker has
//! read, and each one after it until the answer. The first messages after the loss of a
//! connection are in doubt as well. If the connection is lost, those without an answer are
//! sent again, each alone.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::mqtt::session_state::accused::DOUBT;
use crate::mqtt::session_state::in_flight::InFlight;

/// The size of a packet up to which none is too large, 512 bytes: the limits of brokers are
/// above it, and most readings below.
pub(crate) const MIN_DOUBTED_BYTES: usize = 512;

/// The maximum number of messages that are held, 64.
const MAX_DOUBTED: usize = 64;

/// The payload bytes from which on no further message is held, 256 KiB.
const MAX_DOUBTED_BYTES: usize = 256 << 10;

/// The messages in doubt after a lost connection, 64: four times as many after each further
/// one, up to 16,384.
const FIRST_WATCH: u64 = 64;
const WATCH_FACTOR: u64 = 4;
const MAX_WATCH: u64 = 16_384;

/// The messages in doubt of one connection.
///
/// A message has its number among those of QoS 0 on the open connection.
#[derive(Debug, Default)]
pub(crate) struct Doubted {
    /// Written messages, the oldest first.
    written: VecDeque<(u64, InFlight)>,
    /// The encoded messages that are not complete, and the bytes of their payloads.
    open: usize,
    open_bytes: usize,
    /// The message up to which all are in doubt.
    until: u64,
    /// The last message that is larger than all before it, and the size of its packet.
    largest: Option<(u64, usize)>,
    /// The messages in doubt at the start of the next connection.
    due: u64,
    /// The length of the last watch, and the time of the loss before it.
    watch: u64,
    lost_at: Option<Instant>,
}

impl Doubted {
    /// Returns whether no further message may be encoded.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.open >= MAX_DOUBTED || self.open_bytes >= MAX_DOUBTED_BYTES
    }

    /// Returns whether no message is doubted.
    pub(crate) fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Returns the number of held messages that are written.
    pub(crate) fn written(&self) -> usize {
        self.written.len()
    }

    /// Returns whether all messages are in doubt, `proven` being the last that the broker has
    /// read.
    #[inline]
    pub(crate) fn is_watching(&self, proven: u64) -> bool {
        self.until > proven
    }

    /// Notes an encoded message. `size` is that of its packet if this is in doubt itself.
    pub(crate) fn note_encoded(&mut self, number: u64, payload: usize, size: Option<usize>) {
        self.open += 1;
        self.open_bytes += payload;
        if let Some(size) = size
            && self.largest.is_none_or(|(_, largest)| largest < size)
        {
            self.until = self.until.max(number);
            self.largest = Some((number, size));
        }
    }

    /// Adds a message that is written.
    pub(crate) fn push(&mut self, number: u64, packet: InFlight) {
        self.written.push_back((number, packet));
    }

    /// Takes the first message, if the broker has read it.
    pub(crate) fn take_read(&mut self, proven: u64) -> Option<InFlight> {
        let (_, packet) = self.written.pop_front_if(|(number, _)| *number <= proven)?;
        self.open = self.open.saturating_sub(1);
        let bytes = packet.envelope.payload.len();
        self.open_bytes = self.open_bytes.saturating_sub(bytes);
        if self.due <= proven {
            self.due = 0;
        }
        Some(packet)
    }

    /// Takes the size of the largest message, if the broker has read it.
    pub(crate) fn take_largest(&mut self, proven: u64) -> Option<usize> {
        let (_, size) = self.largest.take_if(|(number, _)| *number <= proven)?;
        Some(size)
    }

    /// Notes a loss for which a message that was not held can be the reason. The first
    /// messages of the next connection are in doubt.
    pub(crate) fn note_loss(&mut self) {
        let is_again = self.lost_at.is_some_and(|at| at.elapsed() < DOUBT);
        self.watch = match is_again {
            true => (self.watch * WATCH_FACTOR).min(MAX_WATCH),
            false => FIRST_WATCH,
        };
        self.due = self.watch;
        self.lost_at = Some(Instant::now());
    }

    /// Starts with an open connection.
    pub(crate) fn start(&mut self) {
        self.until = self.due;
    }

    /// Takes all messages that are written, and doubts no further one on this connection.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = InFlight> + use<> {
        (self.open, self.open_bytes, self.until) = (0, 0, 0);
        self.largest = None;
        let written = std::mem::take(&mut self.written);
        written.into_iter().map(|(_, packet)| packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::requeue::tests::packet;

    fn hold(doubted: &mut Doubted, number: u64, size: Option<usize>) {
        doubted.note_encoded(number, 0, size);
        doubted.push(number, packet(number));
    }

    #[test]
    fn message_is_held_until_it_is_read() {
        let mut doubted = Doubted::default();
        assert!(!doubted.is_watching(0));
        hold(&mut doubted, 3, Some(3000));
        assert!(doubted.is_watching(2));
        hold(&mut doubted, 4, None);
        assert!(doubted.take_read(2).is_none() && doubted.take_largest(2).is_none());
        assert_eq!(doubted.take_read(3).unwrap().envelope.seq, 3);
        assert_eq!(doubted.take_largest(3), Some(3000));
        assert!(!doubted.is_watching(3) && !doubted.is_empty());
        assert_eq!(doubted.take_all().count(), 1);
        assert!(doubted.is_empty());
    }

    #[test]
    fn held_messages_are_bounded() {
        let mut doubted = Doubted::default();
        for number in 1..=64 {
            assert!(!doubted.is_full());
            hold(&mut doubted, number, None);
        }
        assert!(doubted.is_full());
        assert!(doubted.take_read(1).is_some() && !doubted.is_full());
        let mut doubted = Doubted::default();
        doubted.note_encoded(1, MAX_DOUBTED_BYTES, Some(MAX_DOUBTED_BYTES + 9));
        assert!(doubted.is_full());
    }

    #[test]
    fn each_further_loss_has_a_longer_watch() {
        let mut doubted = Doubted::default();
        for watch in [64, 256, 1024, 4096, 16_384, 16_384] {
            doubted.note_loss();
            // The next connection is lost before it has sent a message.
            doubted.start();
            assert_eq!(doubted.take_all().count(), 0);
            assert!(!doubted.is_watching(0));
            doubted.start();
            assert!(doubted.is_watching(watch - 1) && !doubted.is_watching(watch));
            hold(&mut doubted, watch, None);
            assert!(doubted.take_read(watch).is_some());
            doubted.start();
            assert!(!doubted.is_watching(0));
        }
    }
}
