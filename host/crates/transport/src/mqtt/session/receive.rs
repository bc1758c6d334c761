//! Reads packets from an open connection.
//!
//! A packet acknowledges a message in flight, or it is a downlink message.

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use rumqttc::{Packet, PubAck, PubComp, PubRec, PubRel, Publish, QoS};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use crate::envelope::Outcome;
use crate::event::{Completion, Downlink, TransportEvent};
use crate::flow::backlog::Backlog;
use crate::mqtt::connection::Connection;
use crate::mqtt::error::SessionError;
use crate::mqtt::session::packet_buffer::Collected;
use crate::mqtt::session::write::Session;
use crate::mqtt::target::Scratch;

/// The reads of one poll, 8: one busy connection must not starve the others.
const READS_PER_POLL: usize = 8;

/// Acknowledgements that wait for a broker that does not read, 64 KiB. Beyond that, the
/// connection is not read.
const MAX_REPLY_BYTES: usize = 64 << 10;

/// The bytes of one read while the memory for messages from the broker is full: enough for the
/// acknowledgements of some dozen messages.
const READ_IN_NEED: usize = 256;

/// The largest payload that is received while the memory for messages from the broker is full,
/// 64 KiB. A larger one is skipped.
const MAX_PACKET_IN_NEED: usize = 64 << 10;

/// The largest packet that a broker may send (MQTT 3.1.1, section 2.2.3: 256 MiB).
const MAX_PACKET_BYTES: usize = 268_435_455;

/// Decodes the first packet.
#[inline]
fn decode(input: &mut BytesMut) -> Result<Packet, rumqttc::Error> {
    #[cfg(test)]
    tests::DECODER_BYTES.set(tests::DECODER_BYTES.get() + input.len());
    Packet::read(input, MAX_PACKET_BYTES)
}

impl Session<'_> {
    /// Reads the bytes that the broker sent, up to a fair share.
    #[inline]
    pub(crate) fn read(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> Result<(), SessionError> {
        for _ in 0..READS_PER_POLL {
            // Each read can bring thousands of messages.
            if !self.may_read(cx, connection) {
                self.charge_buffers();
                return Ok(());
            }
            // The rest of a large packet goes straight into its buffer.
            let is_direct = self.partial.missing() >= scratch.chunk.len();
            let room = match self.shared.inbox.budget().has_room_for_downlink() {
                true => usize::MAX,
                false => READ_IN_NEED,
            };
            let room = room.min(scratch.chunk.len());
            let mut chunk = ReadBuf::new(scratch.chunk.get_mut(..room).unwrap_or_default());
            let read = match is_direct {
                true => self.partial.poll_read(cx, &mut self.stream),
                false => {
                    let read = Pin::new(&mut self.stream).poll_read(cx, &mut chunk);
                    read.map_ok(|()| chunk.filled().len())
                }
            };
            match read {
                Poll::Pending => {
                    self.charge_buffers();
                    return Ok(());
                }
                Poll::Ready(Err(error)) => return Err(SessionError::Lost(error)),
                Poll::Ready(Ok(0)) => return Err(SessionError::Closed),
                Poll::Ready(Ok(_)) => self.has_received = true,
            }
            match is_direct {
                true => {
                    if let Some(packet) = self.partial.take_complete() {
                        let packet = Collected::Packet(packet);
                        self.read_whole(connection, packet, Instant::now())?;
                    }
                }
                false => self.read_packets(connection, &mut scratch.input, chunk.filled())?,
            }
        }
        self.charge_buffers();
        // More bytes wait. Timers and other connections have their turn first.
        let _ = pin!(tokio::task::yield_now()).poll(cx);
        Ok(())
    }

    /// Returns whether there is room for what the broker sends. If there is none, the session is
    /// woken later.
    #[inline]
    fn may_read(&mut self, cx: &Context<'_>, connection: &Connection) -> bool {
        let budget = self.shared.inbox.budget();
        let most = match budget.has_room_for_acks() {
            true => MAX_REPLY_BYTES,
            false => 0,
        };
        if self.reply_bytes > most {
            self.awaits_replies = true;
            return false;
        }
        if self.partial.is_empty() {
            let limit = match budget.has_room_for_downlink() {
                true => usize::MAX,
                false => MAX_PACKET_IN_NEED,
            };
            let max = self.shared.broker.max_payload();
            self.partial.set_max_payload(max.min(limit));
        }
        let may_read = connection
            .backlog
            .as_ref()
            .is_none_or(|backlog| backlog.may_read(cx));
        // A broker that is not read is not silent.
        self.has_received |= !may_read;
        may_read
    }

    /// Counts the memory of a packet that is not complete, and of unwritten acknowledgements.
    #[inline]
    fn charge_buffers(&mut self) {
        self.partial_charge.set(self.partial.reserved());
        self.reply_charge.set(self.reply_bytes);
    }

    /// Splits received bytes into packets and handles each.
    pub(crate) fn read_packets(
        &mut self,
        connection: &mut Connection,
        input: &mut BytesMut,
        mut new: &[u8],
    ) -> Result<(), SessionError> {
        let now = Instant::now();
        if !self.partial.is_empty() {
            let filled = self.partial.fill(&mut new);
            match filled.map_err(SessionError::InvalidPacket)? {
                Some(packet) => self.read_whole(connection, packet, now)?,
                None => return Ok(()),
            }
        }
        input.clear();
        input.extend_from_slice(new);
        loop {
            // PUBACK comes once per message, so it is read without the codec's allocations.
            if let Some([0x40, 2, high, low]) = input.first_chunk() {
                let id = u16::from_be_bytes([*high, *low]);
                input.advance(4);
                self.acked(connection, id, now);
                continue;
            }
            match decode(input) {
                Ok(packet) => self.handle(connection, packet, now),
                Err(rumqttc::Error::InsufficientBytes(_)) => break,
                Err(error) => return Err(SessionError::InvalidPacket(error)),
            }
        }
        let begun = self.partial.fill(&mut &input[..]);
        match begun.map_err(SessionError::InvalidPacket)? {
            Some(packet) => self.read_whole(connection, packet, now),
            None => Ok(()),
        }
    }

    /// Handles a packet that came with more than one read.
    fn read_whole(
        &mut self,
        connection: &mut Connection,
        packet: Collected,
        now: Instant,
    ) -> Result<(), SessionError> {
        match packet {
            Collected::Packet(mut packet) => {
                let packet = decode(&mut packet).map_err(SessionError::InvalidPacket)?;
                self.handle(connection, packet, now);
            }
            Collected::Oversize(publish) => {
                if self.acknowledge(connection, publish.qos, publish.packet_id) {
                    self.skipped(connection, &publish.topic, publish.size);
                }
            }
        }
        Ok(())
    }

    fn handle(&mut self, connection: &mut Connection, packet: Packet, now: Instant) {
        match packet {
            Packet::PubAck(ack) => self.acked(connection, ack.pkid, now),
            Packet::PubRec(rec) => {
                if let Some(packet) = connection
                    .in_flight
                    .iter_mut()
                    .find(|packet| packet.packet_id == rec.pkid)
                {
                    packet.received = true;
                }
                self.reply(|out| PubRel::new(rec.pkid).write(out));
            }
            Packet::PubComp(comp) => self.released(connection, comp.pkid, now),
            Packet::Publish(publish) => self.received(connection, publish),
            Packet::PubRel(rel) => {
                connection.unreleased.retain(|id| *id != rel.pkid);
                self.reply(|out| PubComp::new(rel.pkid).write(out));
            }
            Packet::SubAck(ack) => self.subscribed(connection, &ack),
            Packet::PingResp => self.note_ping_answered(connection),
            // Other packets only show that the broker is alive.
            _ => {}
        }
    }

    /// Notes that the broker has released an identifier: that of a message, or of an earlier
    /// process.
    fn released(&mut self, connection: &mut Connection, id: u16, now: Instant) {
        if !self.note_released(connection, id) {
            self.acked(connection, id, now);
        }
    }

    /// Completes the message with this packet identifier. An unknown identifier is
    /// ignored: the broker repeats acknowledgements after a reconnect.
    fn acked(&mut self, connection: &mut Connection, id: u16, now: Instant) {
        let place = connection
            .in_flight
            .iter()
            .position(|packet| packet.packet_id == id);
        if let Some(packet) = place.and_then(|place| connection.in_flight.remove(place)) {
            connection.packet_ids.free(id);
            self.has_confirmed = true;
            self.shared.inbox.complete(Completion {
                envelope: packet.envelope,
                outcome: Outcome::Acked,
                code: None,
                error: None,
                sent_at: packet.sent_at.map(Instant::into_std),
                acked_at: Some(now.into_std()),
            });
        }
    }

    /// Acknowledges a PUBLISH. Returns whether it is new: with QoS 2, the broker may repeat one.
    fn acknowledge(&mut self, connection: &mut Connection, qos: QoS, id: u16) -> bool {
        match qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.reply(|out| PubAck::new(id).write(out)),
            QoS::ExactlyOnce => {
                self.reply(|out| PubRec::new(id).write(out));
                if connection.unreleased.contains(&id) {
                    return false;
                }
                connection.unreleased.push(id);
            }
        }
        true
    }

    /// Reports a PUBLISH that is larger than allowed. No device receives it.
    fn skipped(&mut self, connection: &mut Connection, topic: &str, size: usize) {
        let inbox = &self.shared.inbox;
        let backlog = connection
            .backlog
            .get_or_insert_with(|| Backlog::new(Rc::clone(inbox.budget())));
        connection.subscriptions.route(topic, |device, channel| {
            inbox.push(TransportEvent::Oversize {
                device,
                channel: Rc::clone(channel),
                size,
                held: backlog.hold(0),
            });
        });
        let limit = self.shared.broker.max_payload();
        let (kind, why) = match size > limit {
            true => (
                "the broker sent a message above max-downlink",
                format!("max-downlink is {limit} bytes"),
            ),
            false => (
                "the broker sent more than the memory for its messages takes",
                "the memory for messages from the broker was full, which is a quarter of in-flight in [limits]".to_owned(),
            ),
        };
        self.shared.warn_as(
            kind,
            &format!("the broker sent a message of {size} bytes, and no device received it: {why}"),
        );
    }

    fn received(&mut self, connection: &mut Connection, publish: Publish) {
        if !self.acknowledge(connection, publish.qos, publish.pkid) {
            return;
        }
        if publish.payload.len() > self.shared.broker.max_payload() {
            return self.skipped(connection, &publish.topic, publish.payload.len());
        }
        let inbox = &self.shared.inbox;
        let backlog = connection
            .backlog
            .get_or_insert_with(|| Backlog::new(Rc::clone(inbox.budget())));
        let is_known = connection
            .subscriptions
            .route(&publish.topic, |device, channel| {
                let message = Downlink {
                    channel: Rc::clone(channel),
                    held: backlog.hold(publish.payload.len()),
                    payload: publish.payload.clone(),
                    content_type: None,
                    code: None,
                };
                inbox.push(TransportEvent::Received(device, Box::new(message)));
            });
        if !is_known {
            self.shared.warn("the broker delivered a message that fits no downlink, and no device receives it; with clean-session = false, it keeps the subscriptions of earlier runs");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// The bytes that decoders of this thread have got so far, also in vain.
        pub(crate) static DECODER_BYTES: Cell<usize> = const { Cell::new(0) };
    }
}
