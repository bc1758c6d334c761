//! The state of one connection: what waits, what is being written, what waits for
//! its acknowledgement, and what is listened to. Knows nothing of sockets.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

use bytes::BytesMut;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::hurt::Hurt;
use super::{BrokerTarget, Shared, TRIES};
use crate::{Envelope, INJECTED, Inbox, LinkAction, Member, Outcome, Report, Settled, Slot};
use mockfleet_config::Qos;

/// What a link should do once its messages are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// A device's wish.
    Act(LinkAction),
    /// Close for good, when nothing is open any more.
    Leave,
}

/// An envelope that has become a packet.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) envelope: Envelope,
    pub(super) qos: Qos,
    /// Counts the packet identifiers given out; the identifier follows from it.
    pub(super) issue: u64,
    /// The place in the session's stream of bytes where the packet ends.
    pub(super) end: u64,
    /// When its last byte was handed to the kernel, the first time.
    pub(super) sent_at: Option<Instant>,
    /// QoS 2: the broker has it (PUBREC), and is to release it (PUBREL).
    pub(super) received: bool,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client_id: String,
    pub(super) will: Option<(String, String)>,
    /// The `{connection}` of templates.
    connection: u32,
    /// Who speaks over it; looked up for each message.
    members: FxHashMap<Slot, Member>,
    /// Where incoming messages go.
    pub(super) subscriptions: Vec<Subscription>,
    /// How many of them the broker has been told of in this session.
    pub(super) subscribed: usize,
    /// Envelopes that have not become packets.
    pub(super) queue: VecDeque<Envelope>,
    /// Packets that are not yet wholly written.
    pub(super) writing: VecDeque<Open>,
    /// QoS 1 and 2: packets that are written and not yet confirmed, oldest first.
    pub(super) waiting: VecDeque<Open>,
    /// Encoded bytes that the kernel did not take yet.
    pub(super) out: BytesMut,
    /// Received bytes that are not yet a whole packet.
    pub(super) partial: BytesMut,
    /// QoS 2 messages of the broker that are received and not yet released.
    pub(super) held: Vec<u16>,
    pub(super) issued: u64,
    pub(super) command: Option<Command>,
    pub(super) dirty: bool,
    pub(super) was_up: bool,
    /// What injected faults do to it; most links have none.
    pub(super) hurt: Option<Box<Hurt>>,
    up: bool,
    waker: Option<Waker>,
}

/// A topic filter and who wants it.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) filter: String,
    pub(super) qos: Qos,
    pub(super) slot: Slot,
    pub(super) channel: Rc<str>,
}

impl Link {
    pub(super) fn new(client_id: String, will: Option<(String, String)>, connection: u32) -> Self {
        Self {
            client_id,
            will,
            connection,
            members: FxHashMap::default(),
            subscriptions: Vec::new(),
            subscribed: 0,
            queue: VecDeque::new(),
            writing: VecDeque::new(),
            waiting: VecDeque::new(),
            out: BytesMut::new(),
            partial: BytesMut::new(),
            held: Vec::new(),
            issued: 0,
            command: None,
            dirty: false,
            was_up: false,
            hurt: None,
            up: false,
            waker: None,
        }
    }

    pub(super) fn join(&mut self, slot: Slot, member: Member, broker: &BrokerTarget) {
        if member.listens {
            for (channel, downlink) in &broker.mqtt.downlink {
                let mut filter = String::new();
                let names = broker.names.of(&member, self.connection);
                downlink.topic.render(&names, &mut filter);
                self.subscriptions.push(Subscription {
                    filter,
                    qos: downlink.qos,
                    slot,
                    channel: channel.as_str().into(),
                });
            }
        }
        self.members.insert(slot, member);
    }

    /// A device of a shared connection is gone; its messages still go out.
    pub(super) fn leave(&mut self, slot: Slot) {
        // The broker keeps the subscription until the connection ends; what it
        // sends finds no device and is let go.
        for subscription in &mut self.subscriptions {
            if subscription.slot == slot {
                subscription.slot = Slot::MAX;
            }
        }
    }

    /// Appends a channel's topic as this device's messages have it.
    pub(super) fn topic(
        &self,
        envelope: &Envelope,
        broker: &BrokerTarget,
        into: &mut String,
    ) -> Option<(Qos, bool)> {
        let channel = broker.channels.get(usize::from(envelope.route))?;
        let member = self.members.get(&envelope.slot)?;
        match &envelope.topic {
            Some(topic) => into.push_str(topic),
            None => channel
                .topic
                .render(&broker.names.of(member, self.connection), into),
        }
        Some((channel.qos, channel.retain))
    }

    pub(super) fn is_up(&self) -> bool {
        self.up
    }

    /// Nothing is open, or nothing more can be done about it.
    pub(super) fn is_idle(&self, shared: &Shared) -> bool {
        let open = self.queue.len() + self.writing.len() + self.waiting.len();
        open == 0 || shared.closing.get()
    }

    pub(super) fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    pub(super) fn listen(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    /// The packet identifier for the next packet that needs one, if one is free:
    /// identifiers come round after 65,535, and the oldest open packet may still
    /// have the one whose turn it is.
    pub(super) fn issue(&mut self) -> Option<u64> {
        let oldest = self.waiting.front().or(self.writing.front());
        if oldest.is_some_and(|oldest| self.issued - oldest.issue >= u64::from(u16::MAX)) {
            return None;
        }
        self.issued += 1;
        Some(self.issued - 1)
    }

    /// The connection is up: everybody on it is told.
    pub(super) fn up(&mut self, inbox: &Inbox) {
        self.up = true;
        self.was_up = true;
        if let Some(hurt) = &mut self.hurt {
            hurt.healed();
        }
        for slot in self.members.keys() {
            inbox.put(Report::Up(*slot));
        }
    }

    /// The connection is gone. What was not confirmed goes back to the head of the
    /// queue, in its order; what has been there too often fails.
    pub(super) fn down(&mut self, why: &Rc<str>, session_kept: bool, inbox: &Inbox) {
        self.up = false;
        self.out = BytesMut::new();
        self.partial = BytesMut::new();
        self.subscribed = 0;
        for slot in self.members.keys() {
            inbox.put(Report::Down(*slot, Rc::clone(why)));
        }
        if !why.starts_with(INJECTED) {
            super::hurt::fail_unfit(self, why, inbox);
        }
        for mut open in std::mem::take(&mut self.writing).into_iter().rev() {
            if open.sent_at.is_some() {
                // Being written a second time.
                self.waiting.push_front(open);
                continue;
            }
            open.envelope.attempt = open.envelope.attempt.saturating_sub(1);
            self.queue.push_front(open.envelope);
        }
        // A connection that was cut on purpose says nothing of what was open on it.
        let injected = why.starts_with(INJECTED);
        let worn = |open: &Open| !injected && open.envelope.attempt >= TRIES;
        let (failed, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(worn);
        for open in failed {
            let text = format!("the connection was lost {TRIES} times while it was open: {why}");
            inbox.settle(Settled {
                sent_at: open.sent_at.map(Instant::into_std),
                ..Settled::unsent(open.envelope, Outcome::Failed, text.into())
            });
        }
        self.waiting = kept;
        if !session_kept {
            self.forget_session();
        }
    }

    /// The broker has no session of this client: packet identifiers mean nothing to
    /// it any more, and open messages begin anew.
    pub(super) fn forget_session(&mut self) {
        self.held.clear();
        for open in std::mem::take(&mut self.waiting).into_iter().rev() {
            self.queue.push_front(open.envelope);
        }
    }
}

/// The packet identifier of an issue: 1 to 65,535 (MQTT 3.1.1, section 2.3.1).
pub(super) fn packet_id(issue: u64) -> u16 {
    u16::try_from(issue % u64::from(u16::MAX) + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_identifiers_are_never_zero_and_come_round() {
        assert_eq!(packet_id(0), 1);
        assert_eq!(packet_id(65_534), 65_535);
        assert_eq!(packet_id(65_535), 1);
    }

    #[test]
    fn an_identifier_in_use_is_not_given_out_again() {
        let mut link = Link::new("c".into(), None, 0);
        let first = link.issue().unwrap();
        link.waiting.push_back(open(first));
        for _ in 1..u16::MAX {
            assert!(link.issue().is_some());
        }
        assert!(link.issue().is_none());
        link.waiting.clear();
        assert!(link.issue().is_some());
    }

    #[test]
    fn a_lost_connection_puts_open_messages_back_in_order() {
        let mut link = Link::new("c".into(), None, 0);
        for seq in 0..4 {
            let mut packet = open(seq);
            packet.envelope.seq = seq;
            if seq < 2 {
                packet.sent_at = Some(Instant::now());
                link.waiting.push_back(packet);
            } else {
                link.writing.push_back(packet);
            }
        }
        let inbox = Inbox::default();
        link.down(&"gone".into(), false, &inbox);
        let order: Vec<_> = link.queue.iter().map(|e| (e.seq, e.attempt)).collect();
        assert_eq!(order, [(0, 1), (1, 1), (2, 0), (3, 0)]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn a_message_that_ends_every_connection_fails_at_last() {
        let mut link = Link::new("c".into(), None, 0);
        let mut packet = open(0);
        packet.envelope.attempt = TRIES;
        packet.sent_at = Some(Instant::now());
        link.waiting.push_back(packet);
        let inbox = Inbox::default();
        link.down(&"closed by the broker".into(), false, &inbox);
        let mut reports = Vec::new();
        inbox.take(&mut reports);
        assert!(matches!(
            reports.as_slice(),
            [Report::Settled(Settled {
                outcome: Outcome::Failed,
                sent_at: Some(_),
                ..
            })]
        ));
        assert!(link.queue.is_empty());
    }

    fn open(issue: u64) -> Open {
        Open {
            envelope: Envelope {
                slot: 0,
                route: 0,
                seq: 0,
                copy: 0,
                attempt: 1,
                due: 0,
                payload: bytes::Bytes::new(),
                content_type: None,
                properties: Vec::new(),
                status: None,
                topic: None,
                fault: None,
            },
            qos: Qos::AtLeastOnce,
            issue,
            end: 0,
            sent_at: None,
            received: false,
        }
    }
}
