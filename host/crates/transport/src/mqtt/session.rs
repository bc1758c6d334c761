//! Moving the bytes of one open connection: packets out as the kernel takes them,
//! acknowledgements and messages in (`receive`), pings in between. One poll does all
//! three, so that a wake-up, whatever its cause, costs one read and at most one write.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::{Disconnect, PingReq, PubRel, Publish, QoS, Subscribe, SubscribeFilter};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep};

use super::connect::Opened;
use super::hurt::Budget;
use super::link::{Command, Link, Open, packet_id};
use super::stream::Stream;
use super::{End, GOODBYE, Shared};
use crate::{Cut, LinkAction, Outcome, Settled};
use mockfleet_config::Qos;

/// About as much as one write hands to the kernel; more only waits there.
const BATCH: usize = 64 << 10;

/// As much as one read takes.
const CHUNK: usize = 16 << 10;

/// Filters of one SUBSCRIBE; brokers limit the size of the packet.
const FILTERS: usize = 100;

/// Buffers that all connections of a worker share: only what one poll leaves over
/// is kept with the connection, so a resting connection has none.
pub(super) struct Scratch {
    out: BytesMut,
    pub(super) input: BytesMut,
    pub(super) chunk: Box<[u8]>,
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
        frozen: false,
        budget: None,
    };
    let end = match session.begin(&mut link.borrow_mut(), kept, &opened.rest) {
        Ok(()) => None,
        Err(why) => Some(End::Lost(why.into())),
    };
    let end = match end {
        Some(end) => end,
        None => std::future::poll_fn(|cx| session.poll(cx, link)).await,
    };
    let says_goodbye = match &end {
        End::Asked(Command::Leave | Command::Act(LinkAction::Reconnect)) => true,
        End::Cut => {
            let link = link.borrow();
            link.is_closed_on_purpose() && link.out.is_empty()
        }
        End::Asked(Command::Act(_)) | End::Lost(_) => false,
    };
    if says_goodbye && !session.frozen {
        let _ = tokio::time::timeout(GOODBYE, session.goodbye()).await;
    }
    let why: Rc<str> = match &end {
        End::Lost(why) => Rc::clone(why),
        End::Asked(Command::Leave) => "closed".into(),
        End::Asked(Command::Act(LinkAction::Reconnect)) => "closed by the device".into(),
        End::Asked(Command::Act(_)) => "dropped by the device".into(),
        End::Cut => link.borrow().why_cut(),
    };
    if session.frozen {
        // The broker does not see the end of it before the next one is there.
        link.borrow_mut().keep_stale(session.stream);
    }
    // At the end of the run nothing is sent again: what is unanswered stays unanswered.
    let keeps = !shared.broker.mqtt.clean_session || shared.closing.get();
    link.borrow_mut().down(&why, keeps, &shared.inbox);
    end
}

impl super::BrokerTarget {
    fn timer(&self) -> Option<Pin<Box<Sleep>>> {
        let length = self.mqtt.keep_alive;
        (length > Duration::ZERO).then(|| Box::pin(tokio::time::sleep(length / 2)))
    }
}

pub(super) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) stream: Stream,
    /// Bytes encoded and bytes written since the connection is up.
    encoded: u64,
    written: u64,
    /// Something came, and something was written, since the timer last ran.
    pub(super) heard: bool,
    spoke: bool,
    pinged: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// An injected fault has left the link half open: nothing goes over it any more.
    frozen: bool,
    /// What may go out while the link is slow.
    budget: Option<Budget>,
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
        if link.hurt.is_some()
            && let Some(end) = self.suffer(cx, link)
        {
            return end;
        }
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

    /// What injected faults make of this poll: an end, or waiting for one.
    fn suffer(&mut self, cx: &mut Context<'_>, link: &mut Link) -> Option<Poll<End>> {
        Budget::follow(&mut self.budget, link.bandwidth());
        let cut = link.cut();
        if self.frozen {
            let over = cut != Some(Cut::HalfOpen) || self.shared.closing.get();
            if over {
                link.noticed("nothing came over it any more".into());
            }
            return Some(match over || self.is_missed(cx, link) {
                true => Poll::Ready(End::Cut),
                false => Poll::Pending,
            });
        }
        match cut? {
            Cut::HalfOpen => {
                self.frozen = true;
                self.heard = false;
                self.pinged = false;
                // Registers the timer: by it the device will notice.
                let _ = self.is_missed(cx, link);
                Some(Poll::Pending)
            }
            Cut::Closed | Cut::Lost => Some(Poll::Ready(End::Cut)),
        }
    }

    /// Whether nothing was heard for so long that the device notices.
    fn is_missed(&mut self, cx: &mut Context<'_>, link: &mut Link) -> bool {
        match self.keep_alive(cx, link) {
            Ok(()) => false,
            Err(why) => {
                link.noticed(why);
                true
            }
        }
    }

    /// Adds a packet that answers one of the broker's.
    pub(super) fn reply(
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
        let bytes = match &mut self.budget {
            None => bytes,
            Some(budget) => match budget.of(cx, bytes) {
                [] => return Ok(None),
                some => some,
            },
        };
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(0)) => Err("the connection takes no more bytes".into()),
            Poll::Ready(Ok(n)) => {
                self.written += length(n);
                self.spoke = true;
                if let Some(budget) = &mut self.budget {
                    budget.spend(n);
                }
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

    fn fail(&self, envelope: crate::Envelope, why: &str) {
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
