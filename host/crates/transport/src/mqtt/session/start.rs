//! Starts a session: releases identifiers, and subscribes.
//!
//! The session of an earlier process can have half-done messages, and other subscriptions.
//! So PUBREL comes first, then SUBSCRIBE, and then the first message.

use std::future::Future;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::{PubRel, SubAck, Subscribe, SubscribeFilter, SubscribeReasonCode};

use crate::event::TransportEvent;
use crate::mqtt::codec::qos;
use crate::mqtt::connection::Connection;
use crate::mqtt::error::SessionError;
use crate::mqtt::session::write::{Session, length};
use crate::mqtt::session_state::packet_ids::SUBSCRIBE_IDS;
use crate::mqtt::target::Scratch;

/// The filters of one SUBSCRIBE, 100: brokers limit the size of the packet.
const FILTERS_PER_SUBSCRIBE: usize = 100;

/// The number of connections in a row that end before the broker has answered PUBREL,
/// after which the messages are sent without that: some brokers close a connection on a
/// PUBREL of an identifier that they do not know, or have no QoS 2.
const MAX_RELEASE_FAILURES: u8 = 3;

/// The time that the broker has to answer PUBREL on the first connection, 2 s. It doubles
/// with each further one, up to the connect-timeout.
const FIRST_RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// A way in which brokers refuse subscriptions.
struct Refusal {
    /// The kind of the warning.
    kind: &'static str,
    reason: &'static str,
    way_out: &'static str,
}

/// The answer of MQTT 3.1.1, section 3.9.3.
const BY_SUBACK: Refusal = Refusal {
    kind: "the broker refused a subscription",
    reason: "SUBACK code 128",
    way_out: "see downlink, and the topics that the broker allows this client",
};

/// The answer of brokers such as AWS IoT Core.
const BY_CLOSING: Refusal = Refusal {
    kind: "the broker closes the connection on a subscription",
    reason: "closed three times on it",
    way_out: "it is not tried again; see downlink, and the topics that the broker allows this client",
};

impl Session<'_> {
    /// Continues the MQTT session or starts a new one. `rest` came after the CONNACK.
    pub(crate) fn begin(
        &mut self,
        connection: &mut Connection,
        session_present: bool,
        rest: &[u8],
    ) -> Result<(), SessionError> {
        let is_kept = session_present && !self.shared.broker.mqtt.clean_session;
        if is_kept {
            self.release(connection);
        } else {
            connection.forget_session();
        }
        connection.subscriptions.start_session(is_kept);
        connection.set_connected(&self.shared.inbox);
        connection.doubted.start();
        let trial = connection.accused.as_ref().map(|accused| accused.trial);
        self.trial = trial.map(|trial| Box::pin(tokio::time::sleep(trial)));
        self.read_packets(connection, &mut BytesMut::new(), rest)
    }

    /// Releases the identifiers that the broker may have half done. Messages with these
    /// identifiers would be copies for the broker, and lost.
    fn release(&mut self, connection: &mut Connection) {
        let needs_release = self.shared.broker.sends_qos_2;
        let limit = if needs_release {
            MAX_RELEASE_FAILURES
        } else {
            1
        };
        if connection.releases.failures() >= limit {
            connection.releases.complete(&mut connection.packet_ids);
            if needs_release {
                self.shared.warn("the broker closes the connection on PUBREL, or does not answer it; messages are sent without it, and the broker may take some for copies of an earlier run's");
            }
        }
        for id in connection.releases.ids(&connection.packet_ids) {
            self.reply(|out| PubRel::new(id).write(out));
            self.unanswered.releases.push_back(id);
        }
        if !self.unanswered.releases.is_empty() {
            self.start_deadline(self.release_timeout(connection));
        }
    }

    /// Returns the time that the broker has to answer PUBREL.
    fn release_timeout(&self, connection: &Connection) -> Duration {
        let timeout = FIRST_RELEASE_TIMEOUT * (1 << connection.releases.failures().min(8));
        timeout.min(self.shared.broker.target.connect_timeout)
    }

    /// Notes that an identifier is released. Returns false for that of a message.
    pub(crate) fn note_released(&mut self, connection: &mut Connection, id: u16) -> bool {
        let releases = &mut self.unanswered.releases;
        let Some(place) = releases.iter().position(|other| *other == id) else {
            return false;
        };
        releases.remove(place);
        if releases.is_empty() {
            connection.releases.complete(&mut connection.packet_ids);
            self.deadline = None;
        }
        true
    }

    /// Encodes the subscriptions that the broker has not received in this session. Returns
    /// whether messages may follow.
    #[inline]
    pub(crate) fn encode_start(
        &mut self,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> bool {
        if self.unanswered.is_empty() && !connection.subscriptions.has_unsent() {
            return true;
        }
        if !self.unanswered.releases.is_empty() {
            return false;
        }
        self.subscribe(connection, scratch);
        !(connection.subscriptions.is_one_by_one() && self.waits_for_suback())
    }

    /// Returns whether the answer to a SUBSCRIBE is awaited. If it does not come in time, it
    /// is not awaited any more.
    pub(crate) fn waits_for_suback(&self) -> bool {
        self.deadline.is_some() && !self.unanswered.subscribes.is_empty()
    }

    fn subscribe(&mut self, connection: &mut Connection, scratch: &mut Scratch) {
        while connection.subscriptions.has_unsent() {
            let is_free = |id: &u16| {
                self.unanswered
                    .subscribes
                    .iter()
                    .all(|(other, _)| other != id)
            };
            let Some(packet_id) = SUBSCRIBE_IDS.into_iter().find(is_free) else {
                return;
            };
            if connection.subscriptions.is_one_by_one() && self.waits_for_suback() {
                return;
            }
            let places = connection.subscriptions.take_unsent(FILTERS_PER_SUBSCRIBE);
            let filters = places
                .iter()
                .filter_map(|place| connection.subscriptions.filter(*place))
                .map(|(filter, level)| SubscribeFilter::new(filter.to_owned(), qos(level)));
            let mut packet = Subscribe::new_many(filters.collect::<Vec<_>>());
            packet.pkid = packet_id;
            let before = scratch.out.len();
            if packet.write(&mut scratch.out).is_err() {
                self.shared
                    .warn("a subscription is too long for an MQTT packet; see downlink");
                continue;
            }
            self.encoded += length(scratch.out.len() - before);
            self.unanswered.subscribes.push((packet_id, places));
            self.start_deadline(self.shared.broker.target.connect_timeout);
        }
    }

    /// Handles SUBACK: only this confirms subscriptions.
    pub(crate) fn subscribed(&mut self, connection: &mut Connection, ack: &SubAck) {
        let subscribes = &mut self.unanswered.subscribes;
        let Some(place) = subscribes.iter().position(|(id, _)| *id == ack.pkid) else {
            return;
        };
        let (_, filters) = subscribes.swap_remove(place);
        for (filter, code) in filters.into_iter().zip(&ack.return_codes) {
            if *code == SubscribeReasonCode::Failure {
                self.warn_refused(connection, filter, &BY_SUBACK);
            } else {
                connection.subscriptions.confirm(filter);
            }
        }
        if self.unanswered.is_empty() {
            connection.subscriptions.note_all_answered();
            if self.alone.is_none() {
                self.deadline = None;
            }
        }
    }

    /// Reports a refused filter: as one warning for all of the same topic in the fleet file,
    /// and as an event of each device.
    fn warn_refused(&self, connection: &Connection, place: usize, refusal: &Refusal) {
        let channel = connection.subscriptions.channel(place).unwrap_or_default();
        let downlink = self.shared.broker.mqtt.downlink.get(channel);
        let template = downlink.map(|downlink| downlink.topic.shown().to_string());
        let template = template.unwrap_or_default();
        let filter = match downlink.is_some_and(|downlink| downlink.topic.has_references()) {
            // The filter has a value of the environment.
            true => template.as_str(),
            false => connection
                .subscriptions
                .filter(place)
                .map_or("", |(filter, _)| filter),
        };
        let client_id = &connection.client_id;
        tracing::warn!(client_id, filter, "subscription refused");
        let Refusal {
            kind,
            reason,
            way_out,
        } = refusal;
        self.shared.warn_as(
            &format!("{kind}: {channel} = {template}"),
            &format!(
                "{kind}: the filter {filter} of client id {client_id} (downlink {channel} = {template}; {reason}); no device receives its messages; {way_out}"
            ),
        );
        let detail: Rc<str> = format!("subscription to {filter}: {reason}").into();
        for device in connection.subscriptions.devices(place) {
            let detail = Rc::clone(&detail);
            self.shared
                .inbox
                .push(TransportEvent::Refused(device, detail));
        }
    }

    /// Notes that the connection was lost during its start.
    pub(crate) fn note_lost(&self, connection: &mut Connection) {
        if !self.unanswered.releases.is_empty() {
            connection.releases.fail();
        }
        let subscribes = self.unanswered.subscribes.iter();
        let filters: Vec<usize> = subscribes
            .flat_map(|(_, filters)| filters.iter().copied())
            .collect();
        if filters.is_empty() {
            return;
        }
        if connection.subscriptions.note_lost(&filters).is_some()
            && let [place] = filters.as_slice()
        {
            self.warn_refused(connection, *place, &BY_CLOSING);
        }
    }

    /// Gives the broker this time for its next answer.
    pub(crate) fn start_deadline(&mut self, limit: Duration) {
        self.deadline = Some(Box::pin(tokio::time::sleep(limit)));
    }

    /// Ends the wait for an answer that did not come in time.
    ///
    /// Without PUBCOMP the connection is given up if it has messages of QoS 2, which could be
    /// lost. Without SUBACK or an acknowledgement, the other messages are sent.
    ///
    /// # Errors
    /// When the broker has not answered PUBREL in time.
    #[inline]
    pub(crate) fn check_deadline(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Result<(), SessionError> {
        let Some(deadline) = &mut self.deadline else {
            return Ok(());
        };
        if deadline.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        self.deadline = None;
        if !self.unanswered.releases.is_empty() {
            if self.shared.broker.sends_qos_2 {
                return Err(SessionError::NoRelease(self.release_timeout(connection)));
            }
            self.unanswered.releases.clear();
            connection.releases.complete(&mut connection.packet_ids);
        }
        if !self.unanswered.subscribes.is_empty() {
            let seconds = self.shared.broker.target.connect_timeout.as_secs_f64();
            self.shared.warn(&format!(
                "no answer to SUBSCRIBE within {seconds} s (connect-timeout); devices may receive no downlink"
            ));
        }
        self.acquit_suspect(connection);
        cx.waker().wake_by_ref();
        Ok(())
    }
}
