//! Collects the bytes of a packet from more than one read.
//!
//! The header has the length of the packet. So the buffer is allocated once, further reads
//! go straight into it, and the packet is decoded once.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use rumqttc::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The bytes of one read into the buffer, 64 KiB: a larger read would hold up other
/// connections.
const MAX_READ_BYTES: usize = 64 << 10;

/// The bytes of the longest header: its type, and a length of four bytes.
const MAX_HEADER_BYTES: usize = 5;

/// A packet that is not complete, or none.
#[derive(Debug, Default)]
pub(crate) struct PacketBuffer {
    bytes: BytesMut,
    /// The bytes of the whole packet, once its header is complete.
    length: Option<usize>,
}

impl PacketBuffer {
    /// Returns whether no packet has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the bytes that the packet lacks; 0 until its header is complete.
    pub(crate) fn missing(&self) -> usize {
        let length = self.length.unwrap_or_default();
        length.saturating_sub(self.bytes.len())
    }

    /// Moves the bytes of the packet from the front of `new`. Returns the packet once it is
    /// complete.
    ///
    /// # Errors
    /// When the header has no valid length.
    pub(crate) fn fill(&mut self, new: &mut &[u8]) -> Result<Option<BytesMut>, Error> {
        while self.length.is_none() {
            let Some((first, rest)) = new.split_first() else {
                return Ok(None);
            };
            self.bytes.put_u8(*first);
            *new = rest;
            self.length = packet_length(&self.bytes)?;
            self.bytes.reserve(self.missing());
        }
        let (own, rest) = new.split_at(self.missing().min(new.len()));
        self.bytes.extend_from_slice(own);
        *new = rest;
        Ok(self.take_complete())
    }

    /// Reads once, straight into the buffer, and not beyond the packet. Returns the number of
    /// bytes; 0 is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        let limit = self.missing().min(MAX_READ_BYTES);
        let mut room = (&mut self.bytes).limit(limit);
        pin!(stream.read_buf(&mut room)).poll(cx)
    }

    /// Takes the packet, if it is complete.
    pub(crate) fn take_complete(&mut self) -> Option<BytesMut> {
        if self.length? > self.bytes.len() {
            return None;
        }
        self.length = None;
        Some(std::mem::take(&mut self.bytes))
    }
}

/// Returns the bytes of the packet that begins with `start` (MQTT 3.1.1, section 2.2.3);
/// `None` if its header is not complete.
fn packet_length(start: &[u8]) -> Result<Option<usize>, Error> {
    let mut remaining = 0;
    for (place, byte) in start.iter().enumerate().take(MAX_HEADER_BYTES).skip(1) {
        remaining |= usize::from(byte & 0x7f) << (7 * (place - 1));
        if byte & 0x80 == 0 {
            return Ok(Some(place + 1 + remaining));
        }
    }
    match start.len() < MAX_HEADER_BYTES {
        true => Ok(None),
        false => Err(Error::MalformedRemainingLength),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rumqttc::{Packet, Publish, QoS};

    use super::*;

    /// Returns a PUBLISH with a payload of this many bytes.
    pub(crate) fn publish(topic: &str, payload: usize) -> BytesMut {
        let mut bytes = BytesMut::new();
        let packet = Publish::new(topic, QoS::AtMostOnce, vec![7; payload]);
        packet.write(&mut bytes).unwrap();
        bytes
    }

    /// Feeds a stream in pieces, and returns the complete packets.
    fn packets_in(stream: &[u8], piece: usize) -> Vec<BytesMut> {
        let mut buffer = PacketBuffer::default();
        let mut packets = Vec::new();
        for mut new in stream.chunks(piece) {
            while !new.is_empty() {
                packets.extend(buffer.fill(&mut new).unwrap());
            }
        }
        assert!(buffer.is_empty());
        packets
    }

    #[test]
    fn packet_is_collected_without_a_second_copy() {
        let whole = publish("c/d0", 40 << 20);
        let mut buffer = PacketBuffer::default();
        let mut places = std::collections::BTreeSet::new();
        let mut packets = Vec::new();
        for mut new in whole.chunks(16 << 10) {
            packets.extend(buffer.fill(&mut new).unwrap());
            if packets.is_empty() {
                places.insert((buffer.bytes.as_ptr().addr(), buffer.bytes.capacity()));
            }
        }
        assert_eq!(places.len(), 1, "the buffer was moved");
        assert_eq!(packets, [whole]);
    }

    #[test]
    fn packets_are_the_same_in_pieces_of_any_size() {
        let sizes = [0, 120, 121, 122, 16_376, 16_377, 16_378];
        let packets = sizes.map(|size| publish("c/d0", size));
        let stream: Vec<u8> = packets.iter().flatten().copied().collect();
        for piece in [1, 2, 3, 4, 5, 7, 1000, 16_384, stream.len()] {
            assert_eq!(packets_in(&stream, piece), packets, "pieces of {piece}");
        }
        for (mut packet, size) in packets.into_iter().zip(sizes) {
            let Ok(Packet::Publish(publish)) = Packet::read(&mut packet, usize::MAX) else {
                panic!("no PUBLISH");
            };
            assert_eq!(publish.payload.len(), size);
        }
    }

    #[test]
    fn length_of_five_bytes_is_refused() {
        let mut buffer = PacketBuffer::default();
        assert!(buffer.fill(&mut &[0x30, 0xff, 0xff][..]).unwrap().is_none());
        assert_eq!(buffer.missing(), 0);
        assert!(buffer.fill(&mut &[0xff, 0xff, 0xff][..]).is_err());
    }

    #[test]
    fn largest_packet_has_a_length_of_four_bytes() {
        let length = packet_length(&[0x30, 0xff, 0xff, 0xff, 0x7f]).unwrap();
        assert_eq!(length, Some(5 + 268_435_455));
    }
}
