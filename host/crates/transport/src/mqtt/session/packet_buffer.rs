//! Collects the bytes of a packet from more than one read.
//!
//! The header has the length of the packet. So the buffer is allocated once, further reads
//! go straight into it, and the packet is decoded once. The payload of a PUBLISH that is larger
//! than allowed is skipped as its bytes come: MQTT 3.1.1 has no way to refuse it.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use rumqttc::{Error, QoS};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The bytes of one read into the buffer, 64 KiB: a larger read would hold up other
/// connections.
const MAX_READ_BYTES: usize = 64 << 10;

/// The bytes of the longest header: its type, and a length of four bytes.
const MAX_HEADER_BYTES: usize = 5;

/// The maximum length of a packet that is no PUBLISH, 1 MiB: a SUBACK has one byte for each of
/// up to some ten thousand filters.
const MAX_OTHER_BYTES: usize = 1 << 20;

/// The type of a PUBLISH, in the upper half of the first byte.
const PUBLISH: u8 = 3;

/// A packet that is complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    Packet(BytesMut),
    Oversize(OversizePublish),
}

/// A PUBLISH without its payload, which was larger than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OversizePublish {
    pub(crate) topic: String,
    pub(crate) qos: QoS,
    pub(crate) packet_id: u16,
    /// Bytes of the payload.
    pub(crate) size: usize,
}

/// A packet that is not complete, or none.
#[derive(Debug)]
pub(crate) struct PacketBuffer {
    bytes: BytesMut,
    /// The bytes of the whole packet, once its header is complete.
    length: Option<usize>,
    /// The maximum length of a payload.
    max_payload: usize,
    /// The PUBLISH whose payload is skipped, and the bytes that are still to come.
    skipped: Option<(OversizePublish, usize)>,
}

impl PacketBuffer {
    /// Limits payloads to this number of bytes.
    pub(crate) fn new(max_payload: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            length: None,
            max_payload,
            skipped: None,
        }
    }

    /// Limits the payloads of later packets.
    #[inline]
    pub(crate) fn set_max_payload(&mut self, bytes: usize) {
        self.max_payload = bytes;
    }

    /// Returns the bytes that are reserved for the packet.
    #[inline]
    pub(crate) fn reserved(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns whether no packet has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.skipped.is_none()
    }

    /// Returns the bytes that the buffer lacks for the packet; 0 until its length is known to be
    /// allowed, and for a packet that is skipped.
    pub(crate) fn missing(&self) -> usize {
        match self.is_suspect() {
            true => 0,
            false => {
                let length = self.length.unwrap_or_default();
                length.saturating_sub(self.bytes.len())
            }
        }
    }

    /// Returns whether the packet may have a payload that is larger than allowed.
    fn is_suspect(&self) -> bool {
        let is_long = self.length.is_some_and(|length| length > self.max_payload);
        is_long && self.is_publish() && !self.is_allowed()
    }

    fn is_publish(&self) -> bool {
        self.bytes
            .first()
            .is_some_and(|first| first >> 4 == PUBLISH)
    }

    /// Returns whether the start of a PUBLISH shows that its payload is allowed.
    fn is_allowed(&self) -> bool {
        let start = publish_start(&self.bytes);
        let payload = start.and_then(|start| Some(self.length? - start));
        payload.is_some_and(|payload| payload <= self.max_payload)
    }

    /// Moves the bytes of the packet from the front of `new`. Returns the packet once it is
    /// complete.
    ///
    /// # Errors
    /// When the header has no valid length, or a packet other than PUBLISH is too long.
    pub(crate) fn fill(&mut self, new: &mut &[u8]) -> Result<Option<Collected>, Error> {
        if self.skipped.is_some() {
            return Ok(self.skip(new));
        }
        while self.length.is_none() {
            let Some(()) = self.take_byte(new) else {
                return Ok(None);
            };
            self.length = packet_length(&self.bytes)?;
            if let Some(length) = self.length.filter(|length| *length > MAX_OTHER_BYTES)
                && !self.is_publish()
            {
                return Err(Error::PayloadSizeLimitExceeded(length));
            }
        }
        while self.is_suspect() {
            if let Some(start) = publish_start(&self.bytes) {
                self.skipped = Some(self.oversize(start)?);
                return Ok(self.skip(new));
            }
            if self.length.is_some_and(|length| length <= self.bytes.len()) {
                // Its topic would be longer than the packet.
                return Err(Error::MalformedPacket);
            }
            let Some(()) = self.take_byte(new) else {
                return Ok(None);
            };
        }
        self.bytes.reserve(self.missing());
        let (own, rest) = new.split_at(self.missing().min(new.len()));
        self.bytes.extend_from_slice(own);
        *new = rest;
        Ok(self.take_complete().map(Collected::Packet))
    }

    fn take_byte(&mut self, new: &mut &[u8]) -> Option<()> {
        let (first, rest) = new.split_first()?;
        self.bytes.put_u8(*first);
        *new = rest;
        Some(())
    }

    /// Ends the buffering of a PUBLISH whose payload begins at `start`.
    fn oversize(&mut self, start: usize) -> Result<(OversizePublish, usize), Error> {
        let bytes = std::mem::take(&mut self.bytes);
        let size = self.length.take().unwrap_or_default() - start;
        let (header, topic) = topic_of(&bytes).ok_or(Error::MalformedPacket)?;
        let topic = std::str::from_utf8(topic).map_err(|_| Error::TopicNotUtf8)?;
        let id = bytes.get(header + 2 + topic.len()..start);
        let publish = OversizePublish {
            topic: topic.to_owned(),
            qos: rumqttc::qos(qos_bits(&bytes))?,
            packet_id: id
                .and_then(|id| id.try_into().ok())
                .map_or(0, u16::from_be_bytes),
            size,
        };
        Ok((publish, size))
    }

    /// Drops the bytes of a payload from the front of `new`.
    fn skip(&mut self, new: &mut &[u8]) -> Option<Collected> {
        let (_, left) = self.skipped.as_mut()?;
        let (own, rest) = new.split_at((*left).min(new.len()));
        *left -= own.len();
        *new = rest;
        match left {
            0 => {
                let (publish, _) = self.skipped.take()?;
                Some(Collected::Oversize(publish))
            }
            _ => None,
        }
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

/// Returns the length of the header of a packet, and the topic of a PUBLISH; `None` if the bytes
/// end before that.
fn topic_of(start: &[u8]) -> Option<(usize, &[u8])> {
    let is_last = |byte: &u8| byte & 0x80 == 0;
    let header = 2 + start.get(1..)?.iter().position(is_last)?;
    let (length, rest) = start.get(header..)?.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length));
    Some((header, rest.get(..length)?))
}

/// Returns the place at which the payload of a PUBLISH begins; `None` if the bytes end before
/// that.
fn publish_start(start: &[u8]) -> Option<usize> {
    let (header, topic) = topic_of(start)?;
    let id = if qos_bits(start) > 0 { 2 } else { 0 };
    let place = header + 2 + topic.len() + id;
    (place <= start.len()).then_some(place)
}

/// Returns the quality of service in the first byte of a PUBLISH.
fn qos_bits(start: &[u8]) -> u8 {
    start.first().map_or(0, |first| first >> 1 & 3)
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
        collected(stream, piece, usize::MAX)
            .into_iter()
            .map(|collected| match collected {
                Collected::Packet(packet) => packet,
                Collected::Oversize(publish) => panic!("{publish:?}"),
            })
            .collect()
    }

    /// Feeds a stream in pieces to a buffer that allows payloads of this many bytes.
    fn collected(stream: &[u8], piece: usize, max_payload: usize) -> Vec<Collected> {
        let mut buffer = PacketBuffer::new(max_payload);
        let mut found = Vec::new();
        for mut new in stream.chunks(piece) {
            while !new.is_empty() {
                found.extend(buffer.fill(&mut new).unwrap());
            }
            let most = max_payload.saturating_add(piece + 64);
            assert!(buffer.bytes.len() <= most, "{}", buffer.bytes.len());
        }
        assert!(buffer.is_empty());
        found
    }

    #[test]
    fn larger_payload_is_skipped_in_pieces_of_any_size() {
        let mut large = publish("c/d1", 50_000);
        // QoS 1 with the packet identifier 0x0102, which is behind the topic.
        large[0] |= 2;
        let id = large.len() - 50_000;
        large.truncate(id);
        large.extend_from_slice(&[1, 2]);
        large.extend_from_slice(&vec![9; 50_000 - 2]);
        let kept = [publish("c/d0", 1_000), publish("c/d2", 0)];
        let stream = [&kept[0][..], &large, &kept[1]].concat();
        for piece in [1, 2, 3, 5, 7, 1000, 16_384, stream.len()] {
            let found = collected(&stream, piece, 1_000);
            let [first, Collected::Oversize(skipped), last] = &found[..] else {
                panic!("{found:?}");
            };
            let expected = OversizePublish {
                topic: "c/d1".into(),
                qos: QoS::AtLeastOnce,
                packet_id: 0x0102,
                size: 49_998,
            };
            assert_eq!(*skipped, expected, "pieces of {piece}");
            assert_eq!(*first, Collected::Packet(kept[0].clone()));
            assert_eq!(*last, Collected::Packet(kept[1].clone()));
        }
    }

    #[test]
    fn long_packets_that_are_no_valid_publish_are_refused() {
        let mut other = PacketBuffer::new(1 << 20);
        // A SUBACK of 256 MiB.
        assert!(
            other
                .fill(&mut &[0x90, 0xff, 0xff, 0xff, 0x7f][..])
                .is_err()
        );
        let mut short = PacketBuffer::new(2);
        // A PUBLISH of 4 bytes, whose topic has 9.
        let packet = [0x30, 4, 0, 9, b'a', b'b', 0x30, 0];
        assert!(short.fill(&mut &packet[..]).is_err());
        let mut suback = PacketBuffer::new(2);
        let packet = [0x90, 5, 0, 1, 0, 0, 0];
        let whole = suback.fill(&mut &packet[..]).unwrap();
        assert_eq!(whole, Some(Collected::Packet(BytesMut::from(&packet[..]))));
    }

    #[test]
    fn packet_is_collected_without_a_second_copy() {
        let whole = publish("c/d0", 40 << 20);
        let mut buffer = PacketBuffer::new(64 << 20);
        let mut places = std::collections::BTreeSet::new();
        let mut packets = Vec::new();
        for mut new in whole.chunks(16 << 10) {
            packets.extend(buffer.fill(&mut new).unwrap());
            if packets.is_empty() && buffer.length.is_some() {
                places.insert((buffer.bytes.as_ptr().addr(), buffer.bytes.capacity()));
            }
        }
        assert_eq!(places.len(), 1, "the buffer was moved");
        assert_eq!(packets, [Collected::Packet(whole)]);
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
        let mut buffer = PacketBuffer::new(64 << 20);
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
