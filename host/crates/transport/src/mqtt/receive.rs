//! What comes from the broker on an open connection: bytes become packets, packets
//! close open messages or reach devices. Knows nothing of what is written.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use rumqttc::{Packet, PubAck, PubComp, PubRec, PubRel, Publish, QoS, SubAck, SubscribeReasonCode};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::link::{Link, packet_id};
use super::session::{Scratch, Session};
use crate::{Outcome, Report, Settled};

/// Reads of one poll, so that one busy connection does not starve its neighbours.
const READS: usize = 8;

/// The largest packet that a broker may send (MQTT 3.1.1, section 2.2.3: 256 MiB).
const PACKET: usize = 268_435_455;

impl Session<'_> {
    /// Takes what the broker sent, up to a fair share.
    pub(super) fn read(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        scratch: &mut Scratch,
    ) -> Result<(), String> {
        for _ in 0..READS {
            let mut chunk = ReadBuf::new(&mut scratch.chunk);
            match Pin::new(&mut self.stream).poll_read(cx, &mut chunk) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => return Err(format!("the connection was lost: {error}")),
                Poll::Ready(Ok(())) if chunk.filled().is_empty() => {
                    return Err("the broker closed the connection".into());
                }
                Poll::Ready(Ok(())) => {
                    self.heard = true;
                    self.take_packets(link, &mut scratch.input, chunk.filled())?;
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    pub(super) fn take_packets(
        &mut self,
        link: &mut Link,
        input: &mut BytesMut,
        new: &[u8],
    ) -> Result<(), String> {
        input.clear();
        input.extend_from_slice(&std::mem::take(&mut link.partial));
        input.extend_from_slice(new);
        let now = Instant::now();
        loop {
            // PUBACK comes once a message; it is read without the codec's allocations.
            if let Some([0x40, 2, high, low]) = input.first_chunk() {
                let id = u16::from_be_bytes([*high, *low]);
                input.advance(4);
                self.acked(link, id, now);
                continue;
            }
            match Packet::read(input, PACKET) {
                Ok(packet) => self.take(link, packet, now),
                Err(rumqttc::Error::InsufficientBytes(_)) => break,
                Err(error) => {
                    return Err(format!("the broker sent what is no MQTT packet: {error}"));
                }
            }
        }
        if !input.is_empty() {
            link.partial = BytesMut::from(&input[..]);
        }
        Ok(())
    }

    fn take(&mut self, link: &mut Link, packet: Packet, now: Instant) {
        match packet {
            Packet::PubAck(ack) => self.acked(link, ack.pkid, now),
            Packet::PubRec(rec) => {
                if let Some(open) = link
                    .waiting
                    .iter_mut()
                    .find(|o| packet_id(o.issue) == rec.pkid)
                {
                    open.received = true;
                }
                self.reply(link, |out| PubRel::new(rec.pkid).write(out));
            }
            Packet::PubComp(comp) => self.acked(link, comp.pkid, now),
            Packet::Publish(publish) => self.received(link, publish),
            Packet::PubRel(rel) => {
                link.held.retain(|id| *id != rel.pkid);
                self.reply(link, |out| PubComp::new(rel.pkid).write(out));
            }
            Packet::SubAck(ack) => self.subscribed(link, &ack),
            // The rest says no more than that the broker lives.
            _ => {}
        }
    }

    /// The confirmation of a packet. One that belongs to none is let go: the broker
    /// repeats itself after a reconnect.
    fn acked(&self, link: &mut Link, id: u16, now: Instant) {
        let place = link
            .waiting
            .iter()
            .position(|open| packet_id(open.issue) == id);
        if let Some(open) = place.and_then(|place| link.waiting.remove(place)) {
            self.shared.inbox.settle(Settled {
                envelope: open.envelope,
                outcome: Outcome::Acked,
                code: None,
                error: None,
                sent_at: open.sent_at.map(Instant::into_std),
                acked_at: Some(now.into_std()),
            });
        }
    }

    fn received(&mut self, link: &mut Link, publish: Publish) {
        match publish.qos {
            QoS::AtMostOnce => {}
            QoS::AtLeastOnce => self.reply(link, |out| PubAck::new(publish.pkid).write(out)),
            QoS::ExactlyOnce => {
                self.reply(link, |out| PubRec::new(publish.pkid).write(out));
                if link.held.contains(&publish.pkid) {
                    return;
                }
                link.held.push(publish.pkid);
            }
        }
        for subscription in &link.subscriptions {
            if subscription.slot != u32::MAX
                && rumqttc::matches(&publish.topic, &subscription.filter)
            {
                self.shared.inbox.put(Report::Received {
                    slot: subscription.slot,
                    channel: Rc::clone(&subscription.channel),
                    payload: publish.payload.clone(),
                    content_type: None,
                });
            }
        }
    }

    fn subscribed(&self, link: &Link, ack: &SubAck) {
        let refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
        if ack.return_codes.iter().any(refused) {
            let filter = link.subscriptions.first().map_or("", |s| s.filter.as_str());
            self.shared.trouble(&format!(
                "the broker refused a subscription of {} (its first filter is {filter}); see downlink",
                link.client_id
            ));
        }
    }
}
