//! Moving the bytes of one open connection: packets out as the kernel takes them,
//! acknowledgements and messages in, pings in between. One poll does all three, so
//! that a wake-up, whatever its cause, costs one read and at most one write.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::{
    Disconnect, Packet, PingReq, PubAck, PubComp, PubRec, PubRel, Publish, QoS, SubAck, Subscribe,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connect::Opened;
use super::link::{Command, Link, Open, packet_id};
use super::stream::Stream;
use super::{End, GOODBYE, Shared};
use crate::fleet::Qos;
use crate::transport::{LinkAction, Outcome, Report, Settled};

/// About as much as one write hands to the kernel; more only waits there.
const BATCH: usize = 64 << 10;

/// As much as one read takes.
const CHUNK: usize = 16 << 10;

/// Reads of one poll, so that one busy connection does not starve its neighbours.
const READS: usize = 8;

/// The largest packet that a broker may send (MQTT 3.1.1, section 2.2.3: 256 MiB).
const PACKET: usize = 268_435_455;

/// Filters of one SUBSCRIBE; brokers limit the size of the packet.
const FILTERS: usize = 100;

/// Buffers that all connections of a worker share: only what one poll leaves over
/// is kept with the connection, so a resting connection has none.
pub(super) struct Scratch {
    out: BytesMut,
    input: BytesMut,
    chunk: Box<[u8]>,
    publish: Publish,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            out: BytesMut::with_capacity(BATCH + CHUNK),
            input: BytesMut::with_capacity(CHUNK),
            chunk: vec![0; CHUNK].into_boxed_slice(),
            publish: Publish::new("", QoS::AtMostOnce, Vec::new()),
        }
    }
}

pub(super) fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

/// Runs an open connection to its end.
pub(super) async fn run(shared: &Rc<Shared>, link: &Rc<RefCell<Link>>, opened: Opened) -> End {
    let kept = opened.session_present;
    let mut session = Session {
        shared,
        stream: opened.stream,
        encoded: 0,
        written: 0,
        heard: false,
        spoke: false,
        pinged: false,
        timer: shared.broker.timer(),
    };
    let end = match session.begin(&mut link.borrow_mut(), kept, &opened.rest) {
        Ok(()) => None,
        Err(why) => Some(End::Lost(why.into())),
    };
    let end = match end {
        Some(end) => end,
        None => std::future::poll_fn(|cx| session.poll(cx, link)).await,
    };
    if matches!(
        end,
        End::Asked(Command::Leave | Command::Act(LinkAction::Reconnect))
    ) {
        let _ = tokio::time::timeout(GOODBYE, session.goodbye()).await;
    }
    let why: Rc<str> = match &end {
        End::Lost(why) => Rc::clone(why),
        End::Asked(Command::Leave) => "closed".into(),
        End::Asked(Command::Act(LinkAction::Reconnect)) => "closed by the device".into(),
        End::Asked(Command::Act(LinkAction::Vanish(_))) => "dropped by the device".into(),
    };
    let keeps = !shared.broker.mqtt.clean_session;
    link.borrow_mut().down(&why, keeps, &shared.inbox);
    end
}

impl super::BrokerTarget {
    fn timer(&self) -> Option<Pin<Box<Sleep>>> {
        let length = self.mqtt.keep_alive;
        (length > Duration::ZERO).then(|| Box::pin(tokio::time::sleep(length / 2)))
    }
}

struct Session<'a> {
    shared: &'a Shared,
    stream: Stream,
    /// Bytes encoded and bytes written since the connection is up.
    encoded: u64,
    written: u64,
    /// Something came, and something was written, since the timer last ran.
    heard: bool,
    spoke: bool,
    pinged: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Session<'_> {
    /// Takes up where the last session ended, or begins anew; `rest` came behind the
    /// CONNACK.
    fn begin(&mut self, link: &mut Link, kept: bool, rest: &[u8]) -> Result<(), String> {
        if kept {
            self.resume(link);
        } else {
            link.forget_session();
        }
        link.up(&self.shared.inbox);
        self.take_packets(link, &mut BytesMut::new(), rest)
    }

    fn poll(&mut self, cx: &mut Context<'_>, link: &RefCell<Link>) -> Poll<End> {
        let link = &mut *link.borrow_mut();
        let scratch = &mut *self.shared.scratch.borrow_mut();
        link.listen(cx);
        let step = self
            .read(cx, link, scratch)
            .and_then(|()| self.keep_alive(cx, link))
            .and_then(|()| self.write(cx, link, scratch));
        if let Err(why) = step {
            return Poll::Ready(End::Lost(why.into()));
        }
        match link.command {
            Some(Command::Leave) if link.is_idle(self.shared) => {
                Poll::Ready(End::Asked(Command::Leave))
            }
            Some(Command::Act(action)) if link.queue.is_empty() && link.writing.is_empty() => {
                link.command = None;
                Poll::Ready(End::Asked(Command::Act(action)))
            }
            _ => Poll::Pending,
        }
    }

    /// Takes what the broker sent, up to a fair share.
    fn read(
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

    fn take_packets(
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

    /// Adds a packet that answers one of the broker's.
    fn reply(
        &mut self,
        link: &mut Link,
        packet: impl FnOnce(&mut BytesMut) -> Result<usize, rumqttc::Error>,
    ) {
        let before = link.out.len();
        // Writing four bytes to a growing buffer cannot fail.
        if packet(&mut link.out).is_ok() {
            self.encoded += length(link.out.len() - before);
        }
    }

    /// Pings when either side has been silent for half the keep-alive: a client that
    /// only listens is closed by its broker (MQTT 3.1.1, section 3.1.2.10), and a
    /// broker that is gone answers no ping.
    fn keep_alive(&mut self, cx: &mut Context<'_>, link: &mut Link) -> Result<(), String> {
        let Some(timer) = &mut self.timer else {
            return Ok(());
        };
        if timer.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        let half = self.shared.broker.mqtt.keep_alive / 2;
        timer.as_mut().reset(Instant::now() + half);
        // Registers the new moment.
        let _ = timer.as_mut().poll(cx);
        let (heard, spoke) = (
            std::mem::take(&mut self.heard),
            std::mem::take(&mut self.spoke),
        );
        if self.pinged && !heard {
            return Err(format!(
                "no answer to a ping within {} s (half of keep-alive)",
                half.as_secs_f64()
            ));
        }
        self.pinged = !(heard && spoke);
        if self.pinged {
            self.reply(link, |out| PingReq.write(out));
        }
        Ok(())
    }

    /// Writes what is left of the last time, then turns envelopes into packets for as
    /// long as the kernel takes them.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        link: &mut Link,
        scratch: &mut Scratch,
    ) -> Result<(), String> {
        loop {
            while !link.out.is_empty() {
                match self.push(cx, &link.out)? {
                    Some(n) => link.out.advance(n),
                    None => {
                        self.settle_written(link);
                        return Ok(());
                    }
                }
            }
            scratch.out.clear();
            self.encode(link, scratch);
            let mut rest: &[u8] = &scratch.out;
            if rest.is_empty() {
                // The last write may have been what was left of an earlier one.
                self.settle_written(link);
                break;
            }
            while !rest.is_empty() {
                match self.push(cx, rest)? {
                    Some(n) => rest = rest.get(n..).unwrap_or_default(),
                    None => {
                        link.out.extend_from_slice(rest);
                        break;
                    }
                }
            }
            self.settle_written(link);
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(lost(&error)),
            _ => Ok(()),
        }
    }

    /// One write. `None`: the kernel has no room, and wakes the task when it has.
    fn push(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<Option<usize>, String> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(0)) => Err("the connection takes no more bytes".into()),
            Poll::Ready(Ok(n)) => {
                self.written += length(n);
                self.spoke = true;
                Ok(Some(n))
            }
            Poll::Ready(Err(error)) => Err(lost(&error)),
        }
    }

    fn encode(&mut self, link: &mut Link, scratch: &mut Scratch) {
        let before = scratch.out.len();
        self.subscribe(link, scratch);
        let window = usize::from(self.shared.broker.mqtt.max_in_flight);
        while scratch.out.len() < BATCH {
            let Some(front) = link.queue.front() else {
                break;
            };
            let publish = &mut scratch.publish;
            publish.topic.clear();
            let told = link.topic(front, &self.shared.broker, &mut publish.topic);
            let needs_id = told.is_some_and(|(qos, _)| qos != Qos::AtMostOnce);
            if needs_id && link.waiting.len() + link.writing.len() >= window {
                break;
            }
            let issue = match needs_id {
                true => match link.issue() {
                    Some(issue) => issue,
                    None => break,
                },
                false => 0,
            };
            let Some(mut envelope) = link.queue.pop_front() else {
                break;
            };
            let Some((level, retain)) = told else {
                self.fail(envelope, "the device has left");
                continue;
            };
            envelope.attempt += 1;
            publish.dup = false;
            publish.qos = qos(level);
            publish.retain = retain;
            publish.pkid = if needs_id { packet_id(issue) } else { 0 };
            publish.payload = envelope.payload.clone();
            if let Err(error) = publish.write(&mut scratch.out) {
                self.fail(envelope, &format!("it is no MQTT packet: {error}"));
                continue;
            }
            link.writing.push_back(Open {
                envelope,
                qos: level,
                issue,
                end: self.encoded + length(scratch.out.len() - before),
                sent_at: None,
                received: false,
            });
        }
        self.encoded += length(scratch.out.len() - before);
    }

    fn fail(&self, envelope: crate::transport::Envelope, why: &str) {
        let settled = Settled::unsent(envelope, Outcome::Failed, why.into());
        self.shared.inbox.settle(settled);
    }

    /// Tells the broker of filters that it does not know yet.
    fn subscribe(&mut self, link: &mut Link, scratch: &mut Scratch) {
        while link.subscribed < link.subscriptions.len() {
            let Some(issue) = link.issue() else {
                return;
            };
            let new: Vec<_> = link
                .subscriptions
                .iter()
                .skip(link.subscribed)
                .take(FILTERS)
                .map(|s| SubscribeFilter::new(s.filter.clone(), qos(s.qos)))
                .collect();
            link.subscribed += new.len();
            let mut packet = Subscribe::new_many(new);
            packet.pkid = packet_id(issue);
            if packet.write(&mut scratch.out).is_err() {
                self.shared
                    .trouble("a subscription is too long for an MQTT packet; see downlink");
            }
        }
    }

    /// The broker still has the session: what it did not confirm is repeated under
    /// its old identifier (MQTT 3.1.1, section 4.4).
    fn resume(&mut self, link: &mut Link) {
        link.subscribed = link.subscriptions.len();
        for mut open in std::mem::take(&mut link.waiting) {
            let id = packet_id(open.issue);
            if open.received {
                self.reply(link, |out| PubRel::new(id).write(out));
            } else {
                open.envelope.attempt += 1;
                let mut publish =
                    Publish::from_bytes("", qos(open.qos), open.envelope.payload.clone());
                let retain = link.topic(&open.envelope, &self.shared.broker, &mut publish.topic);
                publish.retain = retain.is_some_and(|(_, retain)| retain);
                publish.dup = true;
                publish.pkid = id;
                self.reply(link, |out| publish.write(out));
            }
            open.end = self.encoded;
            link.writing.push_back(open);
        }
    }

    /// Packets that are wholly written leave `writing`.
    fn settle_written(&self, link: &mut Link) {
        let done = |open: &Open| open.end <= self.written;
        if !link.writing.front().is_some_and(done) {
            return;
        }
        let now = Instant::now();
        while link.writing.front().is_some_and(done) {
            let Some(mut open) = link.writing.pop_front() else {
                return;
            };
            let sent_at = *open.sent_at.get_or_insert(now);
            if open.qos != Qos::AtMostOnce {
                link.waiting.push_back(open);
                continue;
            }
            self.shared.inbox.settle(Settled {
                envelope: open.envelope,
                outcome: Outcome::Sent,
                code: None,
                error: None,
                sent_at: Some(sent_at.into_std()),
                acked_at: None,
            });
        }
    }

    async fn goodbye(&mut self) {
        let mut bytes = BytesMut::new();
        if Disconnect.write(&mut bytes).is_ok() && self.stream.write_all(&bytes).await.is_ok() {
            let _ = self.stream.shutdown().await;
        }
    }
}

fn lost(error: &std::io::Error) -> String {
    format!("the connection was lost: {error}")
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
