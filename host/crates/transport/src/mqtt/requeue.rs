//! Keeps the open messages of a lost connection, for the next one.

use std::collections::VecDeque;
use std::time::Duration;

use mockfleet_config::Qos;
use mockfleet_files::counted::noun_for;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::envelope::Envelope;
use crate::mqtt::connection::Connection;
use crate::mqtt::session_state::accused::{Accused, DOUBT, STRIKES_IN_DOUBT};
use crate::mqtt::session_state::in_flight::InFlight;
use crate::mqtt::target::Shared;

/// The end of a connection, for its open messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss<'a> {
    pub(crate) why: &'a Cause,
    /// Whether the broker or the network ended it: the open messages are suspects.
    pub(crate) by_backend: bool,
    /// Whether a byte of the suspect that was sent alone is written.
    pub(crate) suspect_begun: bool,
    /// The age of the connection.
    pub(crate) lived: Duration,
}

impl Connection {
    /// Moves the open messages of a lost connection to `resend`, in their order, and those
    /// that were not begun back to the queue.
    ///
    /// Any of the open messages can be the reason for the loss, so the next session sends
    /// each of them alone. The one that ends the connection again is accused of it.
    pub(crate) fn requeue(&mut self, loss: Loss<'_>, shared: &Shared) {
        let mut returned = VecDeque::new();
        for packet in std::mem::take(&mut self.in_flight) {
            self.return_packet(packet, loss, &mut returned, shared);
        }
        for mut packet in self.doubted.take_all() {
            if !loss.by_backend {
                packet.complete_sent(&shared.inbox);
                continue;
            }
            packet.suspect = true;
            packet.is_doubted = false;
            returned.push_back(packet);
        }
        let mut unsent = Vec::new();
        for (place, mut packet) in std::mem::take(&mut self.writing).into_iter().enumerate() {
            // The transmission did not complete. The broker can have read the beginning of
            // the first packet only.
            let may_be_begun = place == 0 && loss.by_backend;
            let is_failed = packet.suspect && loss.suspect_begun && loss.by_backend;
            if !packet.received && !is_failed {
                packet.envelope.attempt = packet.envelope.attempt.saturating_sub(1);
            }
            if packet.sent_at.is_some() {
                self.return_packet(packet, loss, &mut returned, shared);
                continue;
            }
            self.packet_ids.free(std::mem::take(&mut packet.packet_id));
            if may_be_begun || packet.suspect {
                self.return_packet(packet, loss, &mut returned, shared);
            } else {
                unsent.push(packet.envelope);
            }
        }
        for envelope in unsent.into_iter().rev() {
            self.queue.push_front(envelope);
        }
        for packet in returned.into_iter().rev() {
            self.resend.push_front(packet);
        }
        if shared.broker.mqtt.clean_session {
            self.forget_session();
        }
    }

    /// Appends an open packet of a lost connection to `returned`, accuses or completes it.
    fn return_packet(
        &mut self,
        mut packet: InFlight,
        loss: Loss<'_>,
        returned: &mut VecDeque<InFlight>,
        shared: &Shared,
    ) {
        let is_blamed = loss.by_backend && !packet.received;
        if packet.suspect && is_blamed && loss.suspect_begun {
            let cause = self.blame(&packet.envelope, loss.why, shared);
            self.accused = Some(Accused::new(packet, cause, loss.lived));
            return;
        }
        if packet.qos == Qos::AtMostOnce && packet.sent_at.is_some() {
            packet.complete_unproven(&shared.inbox);
            return;
        }
        packet.suspect |= is_blamed;
        packet.is_doubted = false;
        returned.push_back(packet);
    }

    /// Names a message that ends the connection as the cause of its failure.
    fn blame(&self, envelope: &Envelope, why: &Cause, shared: &Shared) -> Cause {
        let topic = self.shown_topic(envelope, &shared.broker);
        let bytes = envelope.payload.len();
        Cause::backend_with(
            format!("the connection was lost again when this message was sent alone: {why}"),
            format!("topic {topic}, {bytes} {}", noun_for(bytes, "byte")),
        )
    }

    /// Notes that a connection ended though nothing was sent on it.
    pub(crate) fn note_unprovoked(&mut self) {
        self.unprovoked = Some(Instant::now());
    }

    /// Sends the accused message again: connections end without it.
    pub(crate) fn acquit(&mut self) {
        if let Some(accused) = self.accused.take() {
            self.resend.push_front(accused.packet);
        }
    }

    /// Fails the accused message: a connection without it has lasted. Returns false if there
    /// is doubt, and it is sent again.
    pub(crate) fn convict(&mut self, shared: &Shared) -> bool {
        let is_doubted = self.unprovoked.is_some_and(|at| at.elapsed() < DOUBT);
        let Some(accused) = self.accused.take() else {
            return true;
        };
        if is_doubted && accused.packet.strikes < STRIKES_IN_DOUBT {
            self.resend.push_front(accused.packet);
            return false;
        }
        self.abandon(&accused.packet);
        shared.inbox.complete(accused.into_failure());
        true
    }

    /// Gives up a message. The broker may hold the packet identifier of one of QoS 2, which
    /// is then released before its next use.
    pub(crate) fn abandon(&mut self, packet: &InFlight) {
        if packet.qos == Qos::ExactlyOnce && packet.sent_at.is_some() {
            self.releases.add(packet.packet_id);
        } else {
            self.packet_ids.free(packet.packet_id);
        }
    }

    /// Drops the MQTT session, which the broker does not have: packet identifiers are
    /// void, and open messages are sent as new packets.
    pub(crate) fn forget_session(&mut self) {
        self.unreleased.clear();
        self.releases.complete(&mut self.packet_ids);
        self.packet_ids.clear();
        let accused = self.accused.as_mut().map(|accused| &mut accused.packet);
        for packet in self.resend.iter_mut().chain(accused) {
            packet.packet_id = 0;
            packet.received = false;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::envelope::Outcome;
    use crate::event::TransportEvent;
    use crate::inbox::EventInbox;
    use crate::mqtt::target::tests::shared;

    fn failed(shared: &Shared) -> Vec<(u64, bool, String)> {
        let mut events = Vec::new();
        shared.inbox.take(&mut events);
        let failed = events.into_iter().map(|event| match event {
            TransportEvent::Completed(completion) => {
                assert_eq!(completion.outcome, Outcome::Failed);
                let why = completion.error.unwrap().text().into_owned();
                (completion.envelope.seq, completion.sent_at.is_some(), why)
            }
            other => panic!("{other:?}"),
        });
        failed.collect()
    }

    fn sent(seq: u64) -> InFlight {
        let mut packet = packet(seq);
        packet.sent_at = Some(Instant::now());
        packet
    }

    #[test]
    fn lost_connection_keeps_messages_in_order_and_times() {
        let mut connection = connection(false);
        connection.in_flight.extend([sent(0), sent(1)]);
        connection.writing.extend([packet(2), packet(3)]);
        let first = connection.in_flight[0].sent_at;
        let shared = shared("");
        connection.requeue(loss(&Cause::backend("gone"), true), &shared);
        let order: Vec<_> = connection
            .resend
            .iter()
            .map(|packet| (packet.envelope.seq, packet.envelope.attempt))
            .collect();
        // The broker can have read the beginning of the third message, and not of the fourth.
        assert_eq!(order, [(0, 1), (1, 1), (2, 0)]);
        assert!(connection.resend.iter().all(|packet| packet.suspect));
        assert_eq!(connection.resend[0].sent_at, first);
        let rest: Vec<_> = connection
            .queue
            .iter()
            .map(|e| (e.seq, e.attempt))
            .collect();
        assert_eq!(rest, [(3, 0)]);
        assert!(shared.inbox.is_empty());
    }

    #[test]
    fn device_that_closes_its_connection_blames_no_message() {
        let mut connection = connection(false);
        connection.in_flight.push_back(sent(0));
        let shared = shared("");
        connection.requeue(
            loss(&Cause::backend("closed by the device"), false),
            &shared,
        );
        assert!(!connection.resend[0].suspect);
    }

    #[test]
    fn suspect_that_ends_the_connection_alone_fails() {
        let mut connection = connection(false);
        connection.in_flight.push_back(sent(0));
        connection.in_flight[0].suspect = true;
        connection.resend.push_back(sent(1));
        let shared = shared("");
        let why = Cause::backend("closed by the broker");
        let mut lost = loss(&why, true);
        lost.suspect_begun = true;
        connection.requeue(lost, &shared);
        assert!(shared.inbox.is_empty() && connection.convict(&shared));
        let failed = failed(&shared);
        let [(0, true, text)] = failed.as_slice() else {
            panic!("{failed:?}");
        };
        assert!(text.contains("sent alone: closed by the broker"), "{text}");
        assert!(text.ends_with(", 0 bytes)"), "{text}");
        assert_eq!(connection.resend.len(), 1);
    }

    #[test]
    fn message_is_not_the_reason_if_connections_end_without_it() {
        let mut connection = connection(false);
        let shared = shared("");
        let why = Cause::backend("closed by the broker");
        let mut lost = loss(&why, true);
        lost.suspect_begun = true;
        connection.note_unprovoked();
        for strike in 1..=3 {
            let mut packet = connection.resend.pop_front().unwrap_or_else(|| sent(0));
            packet.suspect = true;
            connection.in_flight.push_back(packet);
            connection.requeue(lost, &shared);
            // With each connection that ends without a message, it is free again.
            assert_eq!(connection.convict(&shared), strike == 3);
            assert_eq!(shared.inbox.is_empty(), strike < 3);
        }
        assert!(connection.resend.is_empty() && failed(&shared).len() == 1);
    }

    #[test]
    fn accused_message_is_unconfirmed_at_the_end() {
        let mut connection = connection(false);
        connection.accused = Some(Accused::new(
            sent(0),
            Cause::backend("closed"),
            Duration::ZERO,
        ));
        assert!(connection.has_unwritten());
        let shared = shared("");
        connection.complete_all(&shared.inbox);
        let mut events = Vec::new();
        shared.inbox.take(&mut events);
        let [TransportEvent::Completed(end)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(end.outcome, Outcome::Unconfirmed);
    }

    #[test]
    fn suspect_that_is_not_begun_is_tried_again() {
        let mut connection = connection(false);
        connection.writing.push_back(packet(0));
        connection.writing[0].suspect = true;
        let shared = shared("");
        connection.requeue(loss(&Cause::backend("closed"), true), &shared);
        assert!(shared.inbox.is_empty() && connection.resend[0].suspect);
    }

    #[test]
    fn kept_session_keeps_identifiers_and_releases_those_given_up() {
        let mut connection = connection(true);
        connection.forget_session();
        for seq in 0..3 {
            let mut packet = sent(seq);
            packet.qos = Qos::ExactlyOnce;
            packet.packet_id = connection.packet_ids.take().unwrap();
            packet.suspect = seq == 0;
            packet.received = seq == 1;
            connection.in_flight.push_back(packet);
        }
        let shared = shared("clean-session = false");
        let why = Cause::backend("closed by the broker");
        let mut lost = loss(&why, true);
        lost.suspect_begun = true;
        connection.requeue(lost, &shared);
        assert!(connection.convict(&shared));
        assert_eq!(failed(&shared).len(), 1);
        let kept: Vec<_> = connection
            .resend
            .iter()
            .map(|packet| (packet.packet_id, packet.received, packet.suspect))
            .collect();
        // The broker has taken the second: it is no suspect.
        assert_eq!(kept, [(2, true, false), (3, false, true)]);
        assert_eq!(connection.releases.ids(&connection.packet_ids), [1]);
        connection.forget_session();
        assert!(
            connection
                .resend
                .iter()
                .all(|p| p.packet_id == 0 && !p.received)
        );
        assert_eq!(connection.packet_ids.take(), Some(1));
    }

    #[test]
    fn message_sent_before_is_unconfirmed_at_the_end() {
        let mut connection = connection(false);
        connection.resend.extend([sent(0), packet(1)]);
        let inbox = EventInbox::default();
        connection.complete_all(&inbox);
        let mut events = Vec::new();
        inbox.take(&mut events);
        let outcomes = events.iter().map(|event| match event {
            TransportEvent::Completed(end) => (end.outcome, end.sent_at.is_some()),
            other => panic!("{other:?}"),
        });
        let outcomes: Vec<_> = outcomes.collect();
        assert_eq!(
            outcomes,
            [(Outcome::Unconfirmed, true), (Outcome::Dropped, false)]
        );
    }

    /// Returns a connection that is not open.
    pub(crate) fn connection(keeps_session: bool) -> Connection {
        Connection::new("c".into(), None, 0, 100, keeps_session)
    }

    /// Returns the end of a connection on which no suspect was begun.
    pub(crate) fn loss(why: &Cause, by_backend: bool) -> Loss<'_> {
        Loss {
            why,
            by_backend,
            suspect_begun: false,
            lived: Duration::ZERO,
        }
    }

    /// Returns a packet of QoS 1 that is being sent for the first time.
    pub(crate) fn packet(seq: u64) -> InFlight {
        InFlight {
            envelope: Box::new(Envelope {
                device: 0,
                route: 0,
                seq,
                copy: 0,
                attempt: 1,
                due: 0,
                payload: bytes::Bytes::new(),
                content_type: None,
                properties: Vec::new(),
                status: None,
                topic: None,
                fault: None,
                drops: 0,
            }),
            qos: Qos::AtLeastOnce,
            packet_id: 0,
            end: 0,
            sent_at: None,
            received: false,
            suspect: false,
            is_doubted: false,
            strikes: 0,
        }
    }
}
