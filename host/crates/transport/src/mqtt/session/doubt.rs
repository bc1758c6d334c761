//! Completes written messages, except those of QoS 0 in doubt.
//!
//! A held message has a ping behind it, and is complete with the answer. Further messages
//! follow without waiting, up to a bound.

use std::future::Future;
use std::task::Context;

use bytes::BytesMut;
use mockfleet_config::Qos;
use rumqttc::PingReq;
use tokio::time::Instant;

use crate::envelope::Envelope;
use crate::mqtt::connection::Connection;
use crate::mqtt::session::write::Session;
use crate::mqtt::session_state::in_flight::InFlight;

impl Session<'_> {
    /// Notes an encoded message of QoS 0, whose packet begins at `begin`. Returns whether it
    /// is in doubt, and held until the broker has read it.
    #[inline]
    pub(crate) fn hold_doubted(
        &mut self,
        connection: &mut Connection,
        out: &mut BytesMut,
        begin: usize,
        envelope: &Envelope,
    ) -> bool {
        let size = out.len() - begin;
        let is_large = size > self.shared.largest_read.get();
        let is_doubted = is_large || connection.doubted.is_watching(connection.proof.proven());
        if is_doubted {
            self.hold(connection, out, begin, envelope, is_large.then_some(size));
        } else {
            connection.proof.note_encoded();
        }
        is_doubted
    }

    /// Adds a ping behind the message that was encoded last, and one before it if earlier
    /// messages have none: the loss of the connection then says nothing against them.
    fn hold(
        &mut self,
        connection: &mut Connection,
        out: &mut BytesMut,
        begin: usize,
        envelope: &Envelope,
        size: Option<usize>,
    ) {
        if connection.proof.has_unpinged() {
            let packet = out.split_off(begin);
            write_ping(connection, out);
            out.extend_from_slice(&packet);
        }
        let number = connection.proof.note_encoded();
        write_ping(connection, out);
        connection
            .doubted
            .note_encoded(number, envelope.payload.len(), size);
        if self.doubt_wait.is_none() {
            self.restart_doubt_wait();
        }
    }

    fn restart_doubt_wait(&mut self) {
        let limit = self.shared.broker.target.connect_timeout;
        match &mut self.doubt_wait {
            Some(wait) => wait.as_mut().reset(Instant::now() + limit),
            None => self.doubt_wait = Some(Box::pin(tokio::time::sleep(limit))),
        }
    }

    /// Moves packets that are completely written out of `writing`.
    pub(crate) fn complete_written(&mut self, connection: &mut Connection) {
        let written = self.written;
        let done = |packet: &InFlight| packet.end <= written;
        if !connection.writing.front().is_some_and(done) {
            return;
        }
        let now = Instant::now();
        self.last_sent_at = Some(now);
        while connection.writing.front().is_some_and(done) {
            let Some(mut packet) = connection.writing.pop_front() else {
                return;
            };
            packet.sent_at.get_or_insert(now);
            // A suspect of QoS 0 waits for the answer to the ping behind it.
            if packet.qos != Qos::AtMostOnce || packet.suspect {
                connection.in_flight.push_back(packet);
                continue;
            }
            let number = connection.proof.note_written();
            match packet.is_doubted {
                true => connection.doubted.push(number, packet),
                false => packet.complete_sent(&self.shared.inbox),
            }
        }
    }

    /// Completes the held messages that the broker has read.
    pub(crate) fn release_read(&mut self, connection: &mut Connection) {
        if connection.doubted.is_empty() {
            return;
        }
        let proven = connection.proof.proven();
        while let Some(packet) = connection.doubted.take_read(proven) {
            packet.complete_sent(&self.shared.inbox);
        }
        if let Some(size) = connection.doubted.take_largest(proven) {
            self.note_size_read(size);
        }
        match connection.doubted.is_empty() {
            true => self.doubt_wait = None,
            false => self.restart_doubt_wait(),
        }
    }

    fn note_size_read(&self, size: usize) {
        let largest_read = &self.shared.largest_read;
        largest_read.set(largest_read.get().max(size));
    }

    /// Ends the wait for a broker that answers no ping, and has not ended the connection.
    #[inline]
    pub(crate) fn check_doubted(&mut self, cx: &mut Context<'_>, connection: &mut Connection) {
        let Some(wait) = &mut self.doubt_wait else {
            return;
        };
        if wait.as_mut().poll(cx).is_pending() {
            return;
        }
        if connection.writing.is_empty() {
            if let Some(size) = connection.doubted.take_largest(u64::MAX) {
                self.note_size_read(size);
            }
            for packet in connection.doubted.take_all() {
                packet.complete_sent(&self.shared.inbox);
            }
            self.doubt_wait = None;
        } else {
            // A message is long, and the broker still reads it.
            self.restart_doubt_wait();
        }
        cx.waker().wake_by_ref();
    }
}

/// Encodes a ping behind all that is encoded.
fn write_ping(connection: &mut Connection, out: &mut BytesMut) {
    connection.proof.note_ping();
    // Writing two bytes to a growing buffer cannot fail.
    let _ = PingReq.write(out);
}
