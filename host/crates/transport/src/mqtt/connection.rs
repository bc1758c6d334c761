//! Keeps the state of one connection: its queues, subscriptions and MQTT session.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

use mockfleet_config::Qos;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::event::{Completion, TransportEvent};
use crate::inbox::EventInbox;
use crate::mqtt::link_fault::state::LinkFaultState;
use crate::mqtt::target::{MqttTarget, Shared};
use crate::transport::LinkAction;

/// The number of connections that end while a message is in flight before the message
/// fails: by then, the message is taken for the cause.
const MAX_LOST_CONNECTIONS: u32 = 5;

/// A request to close the connection after its messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseRequest {
    /// A connection action of the device.
    ByDevice(LinkAction),
    /// Closes for good, when no message is open.
    Leave,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    /// The broker has not accepted it yet in this run.
    NeverConnected,
    /// It is open. The task of the connection has its `Session` with stream and buffers.
    Connected,
    /// It was open before.
    Disconnected,
}

/// An envelope that is encoded as a packet.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) envelope: Envelope,
    pub(crate) qos: Qos,
    /// The sequence number from which the packet identifier follows.
    pub(crate) packet_sequence: u64,
    /// The position in the session's stream of bytes at which the packet ends.
    pub(crate) end: u64,
    /// The time at which the kernel first took its last byte.
    pub(crate) sent_at: Option<Instant>,
    /// QoS 2: the broker has it (PUBREC), and PUBREL follows.
    pub(crate) received: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client_id: String,
    /// The user name of its login, if the target has one.
    pub(crate) username: Option<String>,
    pub(crate) will: Option<(String, String)>,
    /// The `{connection}` of templates.
    number: u32,
    state: ConnectionState,
    /// The devices that send over it; looked up for each message.
    devices: FxHashMap<DeviceIndex, DeviceInfo>,
    /// The receivers of incoming messages.
    pub(crate) subscriptions: Vec<Subscription>,
    /// Envelopes that are not encoded.
    pub(crate) queue: VecDeque<Envelope>,
    /// Packets that are not completely written.
    pub(crate) writing: VecDeque<InFlight>,
    /// QoS 1 and 2: packets that are written and not acknowledged, the oldest first.
    pub(crate) in_flight: VecDeque<InFlight>,
    /// QoS 2 messages of the broker that are received and not released.
    pub(crate) unreleased: Vec<u16>,
    /// The number of packet identifiers used so far.
    next_packet_sequence: u64,
    pub(crate) close_request: Option<CloseRequest>,
    /// Whether the transport flushes it next.
    pub(crate) dirty: bool,
    pub(crate) fault: LinkFaultState,
    waker: Option<Waker>,
}

/// A topic filter and its receiver.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) filter: String,
    pub(crate) qos: Qos,
    /// `DeviceIndex::MAX` after the device has left.
    pub(crate) device: DeviceIndex,
    pub(crate) channel: Rc<str>,
}

impl Connection {
    pub(crate) fn new(client_id: String, will: Option<(String, String)>, number: u32) -> Self {
        Self {
            client_id,
            username: None,
            will,
            number,
            state: ConnectionState::NeverConnected,
            devices: FxHashMap::default(),
            subscriptions: Vec::new(),
            queue: VecDeque::new(),
            writing: VecDeque::new(),
            in_flight: VecDeque::new(),
            unreleased: Vec::new(),
            next_packet_sequence: 0,
            close_request: None,
            dirty: false,
            fault: LinkFaultState::default(),
            waker: None,
        }
    }

    /// Adds a device and its subscriptions.
    pub(crate) fn join(&mut self, device: DeviceIndex, info: DeviceInfo, broker: &MqttTarget) {
        if info.listens {
            for (channel, downlink) in &broker.mqtt.downlink {
                let mut filter = String::new();
                let names = broker.names.names_for(&info, self.number);
                downlink.topic.render(&names, &mut filter);
                self.subscriptions.push(Subscription {
                    filter,
                    qos: downlink.qos,
                    device,
                    channel: channel.as_str().into(),
                });
            }
        }
        self.devices.insert(device, info);
    }

    /// Removes a device of a shared connection; its messages are still sent.
    pub(crate) fn leave(&mut self, device: DeviceIndex) {
        // The broker keeps the subscription until the connection ends. Messages that
        // have no device are ignored.
        for subscription in &mut self.subscriptions {
            if subscription.device == device {
                subscription.device = DeviceIndex::MAX;
            }
        }
    }

    /// Appends the topic of an envelope, and returns its QoS and retain flag; `None`
    /// after the device has left.
    pub(crate) fn topic(
        &self,
        envelope: &Envelope,
        broker: &MqttTarget,
        into: &mut String,
    ) -> Option<(Qos, bool)> {
        let channel = broker.channels.get(usize::from(envelope.route))?;
        let info = self.devices.get(&envelope.device)?;
        match &envelope.topic {
            Some(topic) => into.push_str(topic),
            None => channel
                .topic
                .render(&broker.names.names_for(info, self.number), into),
        }
        Some((channel.qos, channel.retain))
    }

    /// Returns whether the connection is open.
    pub(crate) fn is_connected(&self) -> bool {
        self.state == ConnectionState::Connected
    }

    /// Returns whether no message is open, or the run is ending.
    pub(crate) fn is_idle(&self, shared: &Shared) -> bool {
        let open = self.queue.len() + self.writing.len() + self.in_flight.len();
        open == 0 || shared.closing.get()
    }

    /// Wakes the task of the connection.
    pub(crate) fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Registers the task of the connection for `wake`.
    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    /// Takes the sequence number of the next packet identifier, if one is free.
    ///
    /// Identifiers wrap after 65,535, and the oldest open packet may still use the next.
    pub(crate) fn take_packet_sequence(&mut self) -> Option<u64> {
        let oldest = self.in_flight.front().or(self.writing.front());
        let next = self.next_packet_sequence;
        if oldest.is_some_and(|oldest| next - oldest.packet_sequence >= u64::from(u16::MAX)) {
            return None;
        }
        self.next_packet_sequence += 1;
        Some(next)
    }

    /// Changes to connected, and reports it for each device.
    pub(crate) fn set_connected(&mut self, inbox: &EventInbox) {
        self.state = ConnectionState::Connected;
        self.fault.clear();
        for device in self.devices.keys() {
            inbox.push(TransportEvent::Connected(*device));
        }
    }

    /// Changes to disconnected, and reports it for each device.
    pub(crate) fn set_disconnected(&mut self, why: &Cause, inbox: &EventInbox) {
        if self.state == ConnectionState::Connected {
            self.state = ConnectionState::Disconnected;
        }
        for device in self.devices.keys() {
            inbox.push(TransportEvent::Disconnected(*device, why.clone()));
        }
    }

    /// Moves the messages of a lost connection back to the head of the queue, in their
    /// order. Messages that were in flight on too many lost connections fail.
    pub(crate) fn requeue(&mut self, why: &Cause, keep_session: bool, inbox: &EventInbox) {
        for mut packet in std::mem::take(&mut self.writing).into_iter().rev() {
            if packet.sent_at.is_some() {
                // It was being written a second time.
                self.in_flight.push_front(packet);
                continue;
            }
            packet.envelope.attempt = packet.envelope.attempt.saturating_sub(1);
            self.queue.push_front(packet.envelope);
        }
        // A connection that a fault cut is no sign of a bad message.
        let injected = why.is_injected();
        let is_exhausted =
            |packet: &InFlight| !injected && packet.envelope.attempt >= MAX_LOST_CONNECTIONS;
        let (failed, kept): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.in_flight)
            .into_iter()
            .partition(is_exhausted);
        for packet in failed {
            let text = format!(
                "the connection was lost {MAX_LOST_CONNECTIONS} times while it was open: {why}"
            );
            inbox.complete(Completion {
                sent_at: packet.sent_at.map(Instant::into_std),
                ..Completion::unsent(packet.envelope, Outcome::Failed, Cause::backend(text))
            });
        }
        self.in_flight = kept;
        if !keep_session {
            self.forget_session();
        }
    }

    /// Drops the MQTT session, which the broker does not have: packet identifiers are
    /// void, and open messages are sent as new packets.
    pub(crate) fn forget_session(&mut self) {
        self.unreleased.clear();
        for packet in std::mem::take(&mut self.in_flight).into_iter().rev() {
            self.queue.push_front(packet.envelope);
        }
    }

    /// Completes all open messages at the end of the run.
    pub(crate) fn complete_all(&mut self, inbox: &EventInbox) {
        let fault = self.fault.name();
        for packet in self.writing.drain(..).chain(self.in_flight.drain(..)) {
            let (outcome, why) = match packet.sent_at {
                Some(_) => (
                    Outcome::Unconfirmed,
                    "the run ended before the broker confirmed it",
                ),
                None => (Outcome::Dropped, "the run ended before it could be sent"),
            };
            let sent_at = packet.sent_at.map(Instant::into_std);
            inbox.complete(Completion {
                sent_at,
                ..Completion::unsent(packet.envelope, outcome, Cause::with_fault(fault, why))
            });
        }
        let why = match self.state {
            ConnectionState::NeverConnected => "there was never a connection to the broker",
            ConnectionState::Connected | ConnectionState::Disconnected => {
                "the run ended before it could be sent"
            }
        };
        self.drop_queued(why, inbox);
    }

    /// Drops the envelopes that are not encoded.
    pub(crate) fn drop_queued(&mut self, why: &str, inbox: &EventInbox) {
        if self.queue.is_empty() {
            return;
        }
        let cause = self.fault.cause(why);
        for envelope in self.queue.drain(..) {
            inbox.complete(Completion::unsent(
                envelope,
                Outcome::Dropped,
                cause.clone(),
            ));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn packet_identifier_in_use_is_not_reused() {
        let mut connection = Connection::new("c".into(), None, 0);
        let first = connection.take_packet_sequence().unwrap();
        connection.in_flight.push_back(packet(first));
        for _ in 1..u16::MAX {
            assert!(connection.take_packet_sequence().is_some());
        }
        assert!(connection.take_packet_sequence().is_none());
        connection.in_flight.clear();
        assert!(connection.take_packet_sequence().is_some());
    }

    #[test]
    fn lost_connection_requeues_messages_in_order() {
        let mut connection = Connection::new("c".into(), None, 0);
        for seq in 0..4 {
            let mut packet = packet(seq);
            packet.envelope.seq = seq;
            if seq < 2 {
                packet.sent_at = Some(Instant::now());
                connection.in_flight.push_back(packet);
            } else {
                connection.writing.push_back(packet);
            }
        }
        let inbox = EventInbox::default();
        connection.requeue(&Cause::backend("gone"), false, &inbox);
        let order: Vec<_> = connection
            .queue
            .iter()
            .map(|e| (e.seq, e.attempt))
            .collect();
        assert_eq!(order, [(0, 1), (1, 1), (2, 0), (3, 0)]);
        assert!(inbox.is_empty());
    }

    #[test]
    fn message_that_ends_every_connection_fails() {
        let mut connection = Connection::new("c".into(), None, 0);
        let mut packet = packet(0);
        packet.envelope.attempt = MAX_LOST_CONNECTIONS;
        packet.sent_at = Some(Instant::now());
        connection.in_flight.push_back(packet);
        let inbox = EventInbox::default();
        connection.requeue(&Cause::backend("closed by the broker"), false, &inbox);
        let mut events = Vec::new();
        inbox.take(&mut events);
        assert!(matches!(
            events.as_slice(),
            [TransportEvent::Completed(Completion {
                outcome: Outcome::Failed,
                sent_at: Some(_),
                ..
            })]
        ));
        assert!(connection.queue.is_empty());
    }

    /// Returns a packet of QoS 1 that was sent once.
    pub(crate) fn packet(packet_sequence: u64) -> InFlight {
        InFlight {
            envelope: Envelope {
                device: 0,
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
            packet_sequence,
            end: 0,
            sent_at: None,
            received: false,
        }
    }
}
