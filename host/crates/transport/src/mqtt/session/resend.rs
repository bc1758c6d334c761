//! Sends the messages of earlier connections again.
//!
//! A message that was open when the broker ended a connection is a suspect: any of them can
//! be the reason. Each is sent alone, behind the acknowledgement of the one before. So the
//! message that the broker cannot take ends a connection alone, and the others arrive.

use std::future::Future;
use std::task::Context;

use mockfleet_config::Qos;
use rumqttc::{PingReq, PubRel};

use crate::mqtt::codec::qos;
use crate::mqtt::connection::Connection;
use crate::mqtt::session::write::{Session, length};
use crate::mqtt::session_state::in_flight::InFlight;
use crate::mqtt::target::{Scratch, WRITE_BATCH_BYTES};

impl Session<'_> {
    /// Returns whether a suspect that was sent alone is open: nothing may follow it.
    #[inline]
    pub(crate) fn waits_for_suspect(&mut self, connection: &Connection) -> bool {
        if self.alone.is_none() {
            return false;
        }
        let mut open = connection.writing.iter().chain(&connection.in_flight);
        if open.any(|packet| packet.suspect) {
            return true;
        }
        self.alone = None;
        self.deadline = None;
        false
    }

    /// Encodes messages of earlier connections. Returns whether those of the queue may
    /// follow.
    #[inline]
    pub(crate) fn encode_resend(
        &mut self,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> bool {
        connection.resend.is_empty() || self.encode_returned(connection, scratch)
    }

    fn encode_returned(&mut self, connection: &mut Connection, scratch: &mut Scratch) -> bool {
        let window = usize::from(self.shared.broker.mqtt.max_in_flight);
        while let Some(front) = connection.resend.front() {
            let open = connection.in_flight.len() + connection.writing.len();
            let must_wait = match front.suspect && !front.received {
                true => !connection.writing.is_empty() || self.waits_for_suback(),
                false => open >= window || scratch.out.len() >= WRITE_BATCH_BYTES,
            };
            let has_id = front.packet_id != 0 || connection.packet_ids.has_free();
            if must_wait || !has_id {
                return false;
            }
            let before = scratch.out.len();
            let encoded = self.encode_next(connection, scratch);
            self.encoded += length(scratch.out.len() - before);
            let Some(mut packet) = encoded else {
                continue;
            };
            packet.end = self.encoded;
            connection.writing.push_back(packet);
            if self.alone.is_some() {
                return false;
            }
        }
        true
    }

    /// Encodes the first message of an earlier connection, or fails it.
    fn encode_next(
        &mut self,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> Option<InFlight> {
        let mut packet = connection.resend.pop_front()?;
        if packet.received {
            // An identifier can always be written.
            let _ = PubRel::new(packet.packet_id).write(&mut scratch.out);
            return Some(packet);
        }
        let publish = &mut scratch.publish;
        publish.topic.clear();
        let topic = connection.topic(&packet.envelope, &self.shared.broker, &mut publish.topic);
        let Some((level, retain)) = topic else {
            connection.abandon(&packet);
            self.fail(packet.envelope, "the device has left");
            return None;
        };
        // A message of the kept session has its old identifier (MQTT 3.1.1, section 4.4).
        publish.dup = packet.packet_id != 0;
        if packet.packet_id == 0 && level != Qos::AtMostOnce {
            // The caller has checked that one is free.
            packet.packet_id = connection.packet_ids.take().unwrap_or_default();
        }
        packet.envelope.attempt += 1;
        publish.qos = qos(level);
        publish.retain = retain;
        publish.pkid = packet.packet_id;
        publish.payload = packet.envelope.payload.clone();
        if let Err(error) = publish.write(&mut scratch.out) {
            connection.abandon(&packet);
            self.fail(packet.envelope, &format!("it is no MQTT packet: {error}"));
            return None;
        }
        if packet.suspect {
            self.alone = Some(self.encoded);
            self.start_deadline(self.shared.broker.target.connect_timeout);
            if level == Qos::AtMostOnce {
                connection.proof.note_ping();
                let _ = PingReq.write(&mut scratch.out);
            }
        }
        Some(packet)
    }

    /// Ends the time without a message, which the connection has survived.
    #[inline]
    pub(crate) fn check_trial(&mut self, cx: &mut Context<'_>, connection: &mut Connection) {
        let Some(trial) = &mut self.trial else {
            return;
        };
        if trial.as_mut().poll(cx).is_ready() {
            self.trial = None;
            self.has_convicted = connection.convict(self.shared);
        }
    }

    /// Notes the answer to a ping. It shows that the broker has taken the suspect of QoS 0
    /// before the ping, and the messages that were doubted.
    pub(crate) fn note_ping_answered(&mut self, connection: &mut Connection) {
        connection.proof.note_answer();
        self.release_read(connection);
        if self.alone.is_some()
            && !connection.proof.has_open_ping()
            && let Some(packet) = take_unconfirmable(connection)
        {
            packet.complete_sent(&self.shared.inbox);
        }
    }

    /// Ends the wait for the acknowledgement of a suspect that has ended no connection.
    pub(crate) fn acquit_suspect(&mut self, connection: &mut Connection) {
        if self.alone.is_none() {
            return;
        }
        if !connection.writing.is_empty() {
            // It is long, and the broker still reads it.
            return self.start_deadline(self.shared.broker.target.connect_timeout);
        }
        if let Some(packet) = take_unconfirmable(connection) {
            packet.complete_unproven(&self.shared.inbox);
        }
        for packet in &mut connection.in_flight {
            packet.suspect = false;
        }
    }
}

/// Takes the suspect of QoS 0, which nothing acknowledges.
fn take_unconfirmable(connection: &mut Connection) -> Option<InFlight> {
    let is_sent = |packet: &InFlight| packet.qos == Qos::AtMostOnce;
    let place = connection.in_flight.iter().position(is_sent)?;
    connection.in_flight.remove(place)
}
