//! Reads packets from an open connection.
//!
//! A packet acknowledges a message in flight, or it is a downlink message.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use rumqttc::{Packet, PubAck, PubComp, PubRec, PubRel, Publish, QoS, SubAck, SubscribeReasonCode};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use crate::envelope::{DeviceIndex, Outcome};
use crate::event::{Completion, TransportEvent};
use crate::mqtt::codec::packet_id;
use crate::mqtt::connection::Connection;
use crate::mqtt::error::SessionError;
use crate::mqtt::session::Session;
use crate::mqtt::target::Scratch;

/// The reads of one poll, 8: one busy connection must not starve the others.
const READS_PER_POLL: usize = 8;

/// The largest packet that a broker may send (MQTT 3.1.1, section 2.2.3: 256 MiB).
const MAX_PACKET_BYTES: usize = 268_435_455;

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
            let mut chunk = ReadBuf::new(&mut scratch.chunk);
            match Pin::new(&mut self.stream).poll_read(cx, &mut chunk) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => return Err(SessionError::Lost(error)),
                Poll::Ready(Ok(())) if chunk.filled().is_empty() => {
                    return Err(SessionError::Closed);
                }
                Poll::Ready(Ok(())) => {
                    self.has_received = true;
                    self.read_packets(connection, &mut scratch.input, chunk.filled())?;
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Splits received bytes into packets and handles each.
    pub(crate) fn read_packets(
        &mut self,
        connection: &mut Connection,
        input: &mut BytesMut,
        new: &[u8],
    ) -> Result<(), SessionError> {
        input.clear();
        input.extend_from_slice(&std::mem::take(&mut self.partial));
        input.extend_from_slice(new);
        let now = Instant::now();
        loop {
            // PUBACK comes once per message, so it is read without the codec's allocations.
            if let Some([0x40, 2, high, low]) = input.first_chunk() {
                let id = u16::from_be_bytes([*high, *low]);
                input.advance(4);
                self.acked(connection, id, now);
                continue;
            }
            match Packet::read(input, MAX_PACKET_BYTES) {
                Ok(packet) => self.handle(connection, packet, now),
                Err(rumqttc::Error::InsufficientBytes(_)) => break,
                Err(error) => {
                    return Err(SessionError::InvalidPacket(error));
                }
            }
        }
        if !input.is_empty() {
            self.partial = BytesMut::from(&input[..]);
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
                    .find(|p| packet_id(p.packet_sequence) == rec.pkid)
                {
                    packet.received = true;
                }
                self.reply(|out| PubRel::new(rec.pkid).write(out));
            }
            Packet::PubComp(comp) => self.acked(connection, comp.pkid, now),
            Packet::Publish(publish) => self.received(connection, publish),
            Packet::PubRel(rel) => {
                connection.unreleased.retain(|id| *id != rel.pkid);
                self.reply(|out| PubComp::new(rel.pkid).write(out));
            }
            Packet::SubAck(ack) => self.subscribed(connection, &ack),
            // Other packets only show that the broker is alive.
            _ => {}
        }
    }

    /// Completes the message with this packet identifier. An unknown identifier is
    /// ignored: the broker repeats acknowledgements after a reconnect.
    fn acked(&self, connection: &mut Connection, id: u16, now: Instant) {
        let place = connection
            .in_flight
            .iter()
            .position(|packet| packet_id(packet.packet_sequence) == id);
        if let Some(packet) = place.and_then(|place| connection.in_flight.remove(place)) {
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

    fn received(&mut self, connection: &mut Connection, publish: Publish) {
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.reply(|out| PubAck::new(publish.pkid).write(out)),
            QoS::ExactlyOnce => {
                self.reply(|out| PubRec::new(publish.pkid).write(out));
                if connection.unreleased.contains(&publish.pkid) {
                    return;
                }
                connection.unreleased.push(publish.pkid);
            }
        }
        for subscription in &connection.subscriptions {
            if subscription.device != DeviceIndex::MAX
                && rumqttc::matches(&publish.topic, &subscription.filter)
            {
                self.shared.inbox.push(TransportEvent::Received {
                    device: subscription.device,
                    channel: Rc::clone(&subscription.channel),
                    payload: publish.payload.clone(),
                    content_type: None,
                    code: None,
                });
            }
        }
    }

    fn subscribed(&self, connection: &Connection, ack: &SubAck) {
        let refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
        if ack.return_codes.iter().any(refused) {
            let filter = connection
                .subscriptions
                .first()
                .map_or("", |s| s.filter.as_str());
            tracing::warn!(
                client_id = connection.client_id,
                filter,
                "subscription refused"
            );
            self.shared.warn(&format!(
                "the broker refused a subscription of {} (its first filter is {filter}); see downlink",
                connection.client_id
            ));
        }
    }
}
