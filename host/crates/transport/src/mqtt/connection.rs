//! Keeps the state of one connection: its queues, subscriptions and MQTT session.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use mockfleet_config::Qos;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::connect::first_connections::FirstConnection;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::event::{Completion, TransportEvent};
use crate::flow::backlog::Backlog;
use crate::inbox::EventInbox;
use crate::mqtt::link_fault::state::LinkFaultState;
use crate::mqtt::session_state::accused::Accused;
use crate::mqtt::session_state::doubted::Doubted;
use crate::mqtt::session_state::in_flight::InFlight;
use crate::mqtt::session_state::packet_ids::PacketIds;
use crate::mqtt::session_state::read_proof::ReadProof;
use crate::mqtt::session_state::releases::Releases;
use crate::mqtt::session_state::subscriptions::Subscriptions;
use crate::mqtt::target::{CLOSE_TIMEOUT, MqttTarget, PROOF_TIMEOUT, Shared};
use crate::transport::LinkAction;

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
    /// The device, a fault or the end of the run closed it.
    Disconnected,
    /// The broker or the network ended it.
    Lost,
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
    /// The progress of opening it for the first time.
    pub(crate) first: FirstConnection,
    /// The devices that send over it; looked up for each message.
    devices: FxHashMap<DeviceIndex, DeviceInfo>,
    /// The topic filters, and the receivers of incoming messages.
    pub(crate) subscriptions: Subscriptions,
    /// Messages of earlier connections, which are sent before those of the queue. One with a
    /// packet identifier is in the session that the broker keeps.
    pub(crate) resend: VecDeque<InFlight>,
    /// The message that was sent alone when the last connection ended.
    pub(crate) accused: Option<Accused>,
    /// The connections in a row that the broker or the network ended before they had lasted.
    pub(crate) brief_ends: u32,
    /// The last time at which a connection ended though nothing was sent on it.
    pub(crate) unprovoked: Option<Instant>,
    /// Envelopes that are not encoded.
    pub(crate) queue: VecDeque<Box<Envelope>>,
    /// Packets that are not completely written.
    pub(crate) writing: VecDeque<InFlight>,
    /// QoS 1 and 2: packets that are written and not acknowledged, the oldest first.
    pub(crate) in_flight: VecDeque<InFlight>,
    /// QoS 2 messages of the broker that are received and not released.
    pub(crate) unreleased: Vec<u16>,
    pub(crate) packet_ids: PacketIds,
    /// The messages of QoS 0 on the open connection that the broker has read.
    pub(crate) proof: ReadProof,
    /// Messages of QoS 0 that may be the reason for the end of the connection.
    pub(crate) doubted: Doubted,
    /// Identifiers that the broker may have half done.
    pub(crate) releases: Releases,
    pub(crate) close_request: Option<CloseRequest>,
    /// Whether the transport flushes it next.
    pub(crate) dirty: bool,
    pub(crate) fault: LinkFaultState,
    /// The reason for which it is not open, if it could not be opened or was lost.
    closed_by: Option<Cause>,
    waker: Option<Waker>,
    /// The messages from the broker that devices have not received, once there was one.
    pub(crate) backlog: Option<Rc<Backlog>>,
}

impl Connection {
    /// Makes a connection that is not open yet. `keeps_session` is true if the broker keeps
    /// the session between connections, also that of an earlier process.
    pub(crate) fn new(
        client_id: String,
        will: Option<(String, String)>,
        number: u32,
        max_in_flight: u16,
        keeps_session: bool,
    ) -> Self {
        Self {
            client_id,
            username: None,
            will,
            number,
            state: ConnectionState::NeverConnected,
            first: FirstConnection::Opening(0),
            devices: FxHashMap::default(),
            subscriptions: Subscriptions::default(),
            resend: VecDeque::new(),
            accused: None,
            brief_ends: 0,
            unprovoked: None,
            queue: VecDeque::new(),
            writing: VecDeque::new(),
            in_flight: VecDeque::new(),
            unreleased: Vec::new(),
            packet_ids: PacketIds::new(max_in_flight),
            proof: ReadProof::default(),
            doubted: Doubted::default(),
            releases: Releases::new(keeps_session),
            close_request: None,
            dirty: false,
            fault: LinkFaultState::default(),
            closed_by: None,
            waker: None,
            backlog: None,
        }
    }

    /// Adds a device and its subscriptions.
    pub(crate) fn join(&mut self, device: DeviceIndex, info: DeviceInfo, broker: &MqttTarget) {
        if info.listens {
            for (channel, downlink) in &broker.mqtt.downlink {
                let mut filter = String::new();
                let names = broker.names.names_for(&info, self.number);
                downlink.topic.render(&names, &mut filter);
                let channel = channel.as_str().into();
                self.subscriptions
                    .add(&filter, downlink.qos, device, channel);
            }
        }
        self.devices.insert(device, info);
    }

    /// Removes a device of a shared connection; its messages are still sent.
    pub(crate) fn leave(&mut self, device: DeviceIndex) {
        self.subscriptions.remove(device);
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
            Some(topic) => into.push_str(&topic.sent),
            None => channel
                .topic
                .render(&broker.names.names_for(info, self.number), into),
        }
        Some((channel.qos, channel.retain))
    }

    /// Returns the topic of an envelope as rows and messages show it.
    pub(crate) fn shown_topic(&self, envelope: &Envelope, broker: &MqttTarget) -> String {
        let mut text = String::new();
        let channel = broker.channels.get(usize::from(envelope.route));
        let info = self.devices.get(&envelope.device);
        match (&envelope.topic, channel, info) {
            (Some(topic), ..) => text.push_str(&topic.shown),
            (None, Some(channel), Some(info)) => {
                let names = broker.names.names_for(info, self.number);
                channel.topic.render_shown(&names, &mut text);
            }
            (None, ..) => {}
        }
        text
    }

    /// Returns whether the connection is open.
    pub(crate) fn is_connected(&self) -> bool {
        self.state == ConnectionState::Connected
    }

    /// Returns the maximum time to close it. A broker that has not read all has time for that.
    pub(crate) fn close_timeout(&self) -> Duration {
        match self.proof.is_wanting() {
            true => PROOF_TIMEOUT + CLOSE_TIMEOUT,
            false => CLOSE_TIMEOUT,
        }
    }

    /// Returns whether no message is open, or the run is ending.
    pub(crate) fn is_idle(&self, shared: &Shared) -> bool {
        let is_written = !self.has_unwritten() && self.in_flight.is_empty();
        is_written || shared.closing.get()
    }

    /// Returns whether a message is not completely written on this connection.
    pub(crate) fn has_unwritten(&self) -> bool {
        let is_empty = self.resend.is_empty() && self.queue.is_empty() && self.writing.is_empty();
        !is_empty || self.accused.is_some()
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

    /// Changes to connected, and reports it for each device.
    pub(crate) fn set_connected(&mut self, inbox: &EventInbox) {
        let was_lost = self.state == ConnectionState::Lost;
        self.state = ConnectionState::Connected;
        self.fault.clear();
        self.closed_by = None;
        for device in self.devices.keys() {
            inbox.push(match was_lost {
                true => TransportEvent::Reconnected(*device),
                false => TransportEvent::Connected(*device),
            });
        }
    }

    /// Changes to disconnected, and reports it for each device. `by_backend` is true if the
    /// broker or the network ended the connection.
    pub(crate) fn set_disconnected(&mut self, why: &Cause, by_backend: bool, inbox: &EventInbox) {
        if self.state == ConnectionState::Connected {
            self.state = match by_backend {
                true => ConnectionState::Lost,
                false => ConnectionState::Disconnected,
            };
        }
        self.closed_by = Some(why.clone());
        for device in self.devices.keys() {
            inbox.push(TransportEvent::Disconnected(*device, why.clone()));
        }
    }

    /// Reports the messages of QoS 0 that the broker may not have read, at the end of the open
    /// connection. Of these, `returned` are sent again.
    pub(crate) fn report_unproven(&mut self, returned: usize, inbox: &EventInbox) {
        let unproven = self.proof.end();
        let returned = u64::try_from(returned).unwrap_or(u64::MAX);
        let unproven = unproven.saturating_sub(returned);
        if unproven > 0 {
            inbox.push(TransportEvent::Unproven(unproven));
        }
    }

    /// Notes the reason for which it could not be opened.
    pub(crate) fn set_unopened(&mut self, why: Cause) {
        self.closed_by = Some(why);
    }

    /// Returns the reason for which its messages wait.
    pub(crate) fn wait_cause(&self) -> Cause {
        match (&self.closed_by, self.state) {
            (Some(why), _) => why.with_effect("there is no connection to the broker: "),
            (None, ConnectionState::Connected)
                if self.in_flight.is_empty() && self.doubted.is_empty() =>
            {
                Cause::backend("the connection takes no more bytes")
            }
            (None, ConnectionState::Connected) => {
                Cause::backend("the broker has not confirmed them")
            }
            (None, _) => Cause::backend("there is no connection to the broker yet"),
        }
    }

    /// Completes all open messages at the end of the run.
    pub(crate) fn complete_all(&mut self, inbox: &EventInbox) {
        self.acquit();
        self.report_unproven(0, inbox);
        for packet in self.doubted.take_all() {
            packet.complete_sent(inbox);
        }
        let fault = self.fault.name();
        let written = self.writing.drain(..).chain(self.in_flight.drain(..));
        for packet in written.chain(self.resend.drain(..)) {
            packet.complete_open(fault, "the run ended before it could be sent", inbox);
        }
        let why = match self.state {
            ConnectionState::NeverConnected => "there was never a connection to the broker",
            ConnectionState::Connected | ConnectionState::Disconnected | ConnectionState::Lost => {
                "the run ended before it could be sent"
            }
        };
        self.drop_queued(why, inbox);
    }

    /// Returns the cause for messages of the queue that are not sent, `why`. A limit of the
    /// host that keeps the connection closed is the cause of the cause.
    fn unsent_cause(&self, why: &str) -> Cause {
        match (self.fault.name(), &self.closed_by) {
            (None, Some(limit)) if limit.is_by_host() => limit.with_effect(&format!("{why}: ")),
            _ => self.fault.cause(why),
        }
    }

    /// Drops the envelopes that wait to be encoded. Those that were sent on an earlier
    /// connection are not confirmed.
    pub(crate) fn drop_queued(&mut self, why: &str, inbox: &EventInbox) {
        self.acquit();
        let fault = self.fault.name();
        for packet in self.resend.drain(..) {
            packet.complete_open(fault, why, inbox);
        }
        if self.queue.is_empty() {
            return;
        }
        let cause = self.unsent_cause(why);
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
mod tests {
    use super::*;
    use crate::mqtt::requeue::tests::{connection, packet};

    #[test]
    fn messages_wait_for_a_reason() {
        let inbox = EventInbox::default();
        let mut connection = connection(false);
        let why = |connection: &Connection| connection.wait_cause().text().into_owned();
        assert_eq!(why(&connection), "there is no connection to the broker yet");
        connection.set_unopened(Cause::backend("connection refused"));
        assert_eq!(
            why(&connection),
            "there is no connection to the broker: connection refused"
        );
        connection.set_connected(&inbox);
        assert_eq!(why(&connection), "the connection takes no more bytes");
        connection.in_flight.push_back(packet(1));
        assert_eq!(why(&connection), "the broker has not confirmed them");
        connection.set_disconnected(&Cause::backend("the broker closed it"), true, &inbox);
        assert_eq!(
            why(&connection),
            "there is no connection to the broker: the broker closed it"
        );
    }

    #[test]
    fn host_without_ports_is_the_cause_of_unsent_messages() {
        let mut connection = connection(false);
        connection.set_unopened(Cause::host("no free port"));
        assert!(connection.wait_cause().is_by_host());
        let cause = connection.unsent_cause("there was never a connection to the broker");
        assert!(cause.is_by_host());
        assert_eq!(
            cause.text(),
            "there was never a connection to the broker: no free port"
        );
        connection.set_unopened(Cause::backend("connection refused"));
        let cause = connection.unsent_cause("there was never a connection to the broker");
        assert_eq!(cause.text(), "there was never a connection to the broker");
    }
}
