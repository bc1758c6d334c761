//! Writes packets to an open connection, and keeps it alive.
//!
//! One poll reads (`receive`), pings and writes. So each wake-up costs one read and at
//! most one write.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use mockfleet_config::Qos;
use rumqttc::Disconnect;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep};

use crate::cause::Cause;
use crate::connect::stream::Stream;
use crate::envelope::{Envelope, Outcome};
use crate::event::Completion;
use crate::flow::backlog::Charge;
use crate::flow::memory_budget::Account;
use crate::mqtt::codec::qos;
use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::error::SessionError;
use crate::mqtt::link_fault::bandwidth::BandwidthBudget;
use crate::mqtt::session::packet_buffer::PacketBuffer;
use crate::mqtt::session_state::in_flight::InFlight;
use crate::mqtt::session_state::unanswered::Unanswered;
use crate::mqtt::target::{MqttTarget, Scratch, Shared, WRITE_BATCH_BYTES};
use crate::transport::{Cut, LinkAction};

/// The end of a session.
pub(crate) enum SessionEnd {
    /// A request of the device or of the run.
    Requested(CloseRequest),
    /// Lost with this error.
    Lost(SessionError),
    /// Cut by an injected fault.
    Cut,
}

/// The time after which a message without an acknowledgement is no reason for the end of its
/// connection, 1 s.
const QUIET: Duration = Duration::from_secs(1);

/// Returns the timer of pings; `None` without keep-alive.
fn timer(broker: &MqttTarget) -> Option<Pin<Box<Sleep>>> {
    let keep_alive = broker.mqtt.keep_alive;
    (keep_alive > Duration::ZERO).then(|| Box::pin(tokio::time::sleep(keep_alive / 2)))
}

/// An open connection with its buffers.
pub(crate) struct Session<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) stream: Stream,
    /// Encoded bytes that the kernel did not take yet.
    out: BytesMut,
    /// Received bytes that are not a complete packet yet.
    pub(crate) partial: PacketBuffer,
    /// The memory of `partial`, and of acknowledgements.
    pub(crate) partial_charge: Charge,
    pub(crate) reply_charge: Charge,
    /// Bytes of acknowledgements that the kernel did not take yet, at most.
    pub(crate) reply_bytes: usize,
    /// Whether the connection is not read until they are written.
    pub(crate) awaits_replies: bool,
    /// The packets of the session's start that the broker has not answered.
    pub(crate) unanswered: Unanswered,
    /// The time by which the broker must answer, while something waits for that.
    pub(crate) deadline: Option<Pin<Box<Sleep>>>,
    /// The position before the suspect that is sent alone, until it is complete.
    pub(crate) alone: Option<u64>,
    /// The time without a message after which the accused message fails.
    pub(crate) trial: Option<Pin<Box<Sleep>>>,
    /// The wait for the answer to the ping behind the last message.
    pub(crate) proof_wait: Option<Pin<Box<Sleep>>>,
    /// The wait for the answer to the ping behind a held message.
    pub(crate) doubt_wait: Option<Pin<Box<Sleep>>>,
    /// Bytes encoded and bytes written since the connection is open.
    pub(crate) encoded: u64,
    pub(crate) written: u64,
    /// Whether bytes came, and were written, since the timer last ran.
    pub(crate) has_received: bool,
    has_sent: bool,
    pinged: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether an injected fault has left the connection half open.
    frozen: bool,
    /// The bytes that may be sent while the connection is slow.
    budget: Option<BandwidthBudget>,
    opened_at: Instant,
    /// The time at which the last message was completely written.
    pub(crate) last_sent_at: Option<Instant>,
    /// Whether the message that ended the last connection has failed.
    pub(crate) has_convicted: bool,
    /// Whether the broker has confirmed a message.
    pub(crate) has_confirmed: bool,
    /// Whether the requests of the session's start are not all answered yet.
    is_starting: bool,
}

impl<'a> Session<'a> {
    /// Starts with the stream of an open connection.
    pub(crate) fn new(shared: &'a Shared, stream: Stream) -> Self {
        Self {
            shared,
            stream,
            out: BytesMut::new(),
            partial: PacketBuffer::new(shared.broker.max_payload()),
            partial_charge: Charge::new(shared.inbox.budget(), Account::Downlink),
            reply_charge: Charge::new(shared.inbox.budget(), Account::Acks),
            reply_bytes: 0,
            awaits_replies: false,
            unanswered: Unanswered::default(),
            deadline: None,
            alone: None,
            trial: None,
            proof_wait: None,
            doubt_wait: None,
            encoded: 0,
            written: 0,
            has_received: false,
            has_sent: false,
            pinged: false,
            timer: timer(&shared.broker),
            frozen: false,
            budget: None,
            opened_at: Instant::now(),
            last_sent_at: None,
            has_convicted: false,
            has_confirmed: false,
            is_starting: true,
        }
    }

    /// Returns whether all encoded bytes are written.
    pub(crate) fn has_written_all(&self) -> bool {
        self.out.is_empty()
    }

    /// Returns whether an injected fault has left the connection half open.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Returns the age of the connection.
    pub(crate) fn age(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// Returns whether the broker has answered all requests of the session's start.
    pub(crate) fn is_ready(&self) -> bool {
        self.unanswered.is_empty()
    }

    /// Returns whether the connection is open without a message, and without a request of
    /// the session's start. If it ends then, something else is the reason.
    pub(crate) fn is_quiet(&self, connection: &Connection) -> bool {
        let is_settled = self.last_sent_at.is_none_or(|at| at.elapsed() >= QUIET);
        is_settled
            && self.unanswered.is_empty()
            && connection.in_flight.is_empty()
            && connection.doubted.is_empty()
            && connection.writing.is_empty()
    }

    /// Returns the stream, and drops the buffers.
    pub(crate) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Returns whether a byte of the suspect that was sent alone is written.
    pub(crate) fn has_begun_suspect(&self) -> bool {
        self.alone.is_some_and(|before| self.written > before)
    }

    /// Reads, pings and writes, until the session ends.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &RefCell<Connection>,
    ) -> Poll<SessionEnd> {
        let connection = &mut *connection.borrow_mut();
        let scratch = &mut *self.shared.scratch.borrow_mut();
        connection.register(cx);
        if connection.fault.is_used()
            && let Some(end) = self.apply_fault(cx, connection)
        {
            return end;
        }
        let step = self
            .read(cx, connection, scratch)
            .and_then(|()| self.keep_alive(cx, connection))
            .map(|()| self.check_trial(cx, connection))
            .and_then(|()| self.write(cx, connection, scratch))
            .and_then(|()| self.check_deadline(cx, connection))
            .map(|()| self.check_doubted(cx, connection));
        if let Err(error) = step {
            return Poll::Ready(SessionEnd::Lost(error));
        }
        if self.is_starting {
            self.note_started(connection);
        }
        let request = match connection.close_request {
            None => return Poll::Pending,
            Some(CloseRequest::Leave) if !connection.is_idle(self.shared) => return Poll::Pending,
            Some(CloseRequest::ByDevice(_)) if connection.has_unwritten() => return Poll::Pending,
            Some(request) => request,
        };
        // A device that vanishes sends no more, not even a ping.
        let vanishes = matches!(request, CloseRequest::ByDevice(LinkAction::Vanish(_)));
        if !vanishes && self.poll_proof(cx, connection).is_pending() {
            return Poll::Pending;
        }
        if request != CloseRequest::Leave {
            connection.close_request = None;
        }
        Poll::Ready(SessionEnd::Requested(request))
    }

    /// Notes that the connection is up, once its subscriptions are confirmed.
    fn note_started(&mut self, connection: &mut Connection) {
        if self.unanswered.is_empty() && !connection.subscriptions.has_unsent() {
            self.is_starting = false;
            let first_connections = &self.shared.first_connections;
            first_connections.note_up(&mut connection.first, Instant::now());
        }
    }

    /// Applies the link faults to this poll. Returns its result, if they decide it.
    fn apply_fault(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Option<Poll<SessionEnd>> {
        BandwidthBudget::update(&mut self.budget, connection.fault.bandwidth());
        let cut = connection.fault.cut();
        if self.frozen {
            let over = cut != Some(Cut::HalfOpen) || self.shared.closing.get();
            if over {
                connection
                    .fault
                    .set_detection("nothing came over it any more".into());
            }
            return Some(match over || self.detects_half_open(cx, connection) {
                true => Poll::Ready(SessionEnd::Cut),
                false => Poll::Pending,
            });
        }
        match cut? {
            Cut::HalfOpen => {
                self.frozen = true;
                self.has_received = false;
                self.pinged = false;
                // Registers the timer, by which the device detects the fault.
                let _ = self.detects_half_open(cx, connection);
                Some(Poll::Pending)
            }
            Cut::Closed | Cut::Lost => Some(Poll::Ready(SessionEnd::Cut)),
        }
    }

    /// Runs the keep-alive timer, and returns whether the device detects by it that the
    /// connection is half open.
    fn detects_half_open(&mut self, cx: &mut Context<'_>, connection: &mut Connection) -> bool {
        match self.keep_alive(cx, connection) {
            Ok(()) => false,
            Err(error) => {
                connection.fault.set_detection(error.to_string().into());
                true
            }
        }
    }

    /// Adds a packet that answers one of the broker's.
    #[inline]
    pub(crate) fn reply(
        &mut self,
        packet: impl FnOnce(&mut BytesMut) -> Result<usize, rumqttc::Error>,
    ) {
        let before = self.out.len();
        // Writing four bytes to a growing buffer cannot fail.
        if packet(&mut self.out).is_ok() {
            self.encoded += length(self.out.len() - before);
            self.reply_bytes += self.out.len() - before;
        }
    }

    /// Pings when either side has been silent for half the keep-alive.
    ///
    /// A broker closes a client that only listens (MQTT 3.1.1, section 3.1.2.10), and a
    /// broker that is gone answers no ping.
    fn keep_alive(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Result<(), SessionError> {
        let Some(timer) = &mut self.timer else {
            return Ok(());
        };
        if timer.as_mut().poll(cx).is_pending() {
            return Ok(());
        }
        let half = self.shared.broker.mqtt.keep_alive / 2;
        timer.as_mut().reset(Instant::now() + half);
        // Registers the new time.
        let _ = timer.as_mut().poll(cx);
        let (has_received, has_sent) = (
            std::mem::take(&mut self.has_received),
            std::mem::take(&mut self.has_sent),
        );
        if self.pinged && !has_received {
            return Err(SessionError::NoPingResponse(half));
        }
        self.pinged = !(has_received && has_sent);
        if self.pinged {
            self.ping(connection);
        }
        Ok(())
    }

    /// Writes the bytes left from the last poll, then encodes envelopes for as long as the
    /// kernel takes bytes.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> Result<(), SessionError> {
        loop {
            while !self.out.is_empty() {
                let mut out = std::mem::take(&mut self.out);
                let pushed = self.push(cx, &out);
                if let Ok(Some(n)) = &pushed {
                    out.advance(*n);
                }
                self.out = out;
                if pushed?.is_none() {
                    self.complete_written(connection);
                    return Ok(());
                }
            }
            self.note_replied(cx);
            scratch.out.clear();
            self.encode(connection, scratch);
            let mut rest: &[u8] = &scratch.out;
            if rest.is_empty() {
                // The last write may have completed packets of an earlier poll.
                self.complete_written(connection);
                break;
            }
            while !rest.is_empty() {
                match self.push(cx, rest)? {
                    Some(n) => rest = rest.get(n..).unwrap_or_default(),
                    None => {
                        self.out.extend_from_slice(rest);
                        break;
                    }
                }
            }
            self.complete_written(connection);
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(SessionError::Lost(error)),
            _ => Ok(()),
        }
    }

    /// Notes that all acknowledgements are written, and reads on if that waited for them.
    #[inline]
    fn note_replied(&mut self, cx: &Context<'_>) {
        if self.reply_bytes == 0 {
            return;
        }
        self.reply_bytes = 0;
        self.reply_charge.set(0);
        if std::mem::take(&mut self.awaits_replies) {
            cx.waker().wake_by_ref();
        }
    }

    /// Writes once. Returns `None` if the kernel has no room; it wakes the task later.
    fn push(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<Option<usize>, SessionError> {
        let bytes = match &mut self.budget {
            None => bytes,
            Some(budget) => match budget.permit(cx, bytes) {
                [] => return Ok(None),
                some => some,
            },
        };
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(0)) => Err(SessionError::WriteZero),
            Poll::Ready(Ok(n)) => {
                self.written += length(n);
                self.has_sent = true;
                if let Some(budget) = &mut self.budget {
                    budget.spend(n);
                }
                Ok(Some(n))
            }
            Poll::Ready(Err(error)) => Err(SessionError::Lost(error)),
        }
    }

    /// Encodes packets up to one batch: those of the session's start, messages of earlier
    /// connections, and then envelopes.
    fn encode(&mut self, connection: &mut Connection, scratch: &mut Scratch) {
        let is_doubted = self.waits_for_suspect(connection)
            || !self.encode_start(connection, scratch)
            || self.trial.is_some()
            || !self.encode_resend(connection, scratch);
        if is_doubted {
            return;
        }
        let before = scratch.out.len();
        let window = usize::from(self.shared.broker.mqtt.max_in_flight);
        while scratch.out.len() < WRITE_BATCH_BYTES && !connection.doubted.is_full() {
            let Some(front) = connection.queue.front() else {
                break;
            };
            let publish = &mut scratch.publish;
            publish.topic.clear();
            let topic = connection.topic(front, &self.shared.broker, &mut publish.topic);
            let needs_id = topic.is_some_and(|(qos, _)| qos != Qos::AtMostOnce);
            if needs_id && connection.in_flight.len() + connection.writing.len() >= window {
                break;
            }
            let packet_id = match needs_id {
                true => match connection.packet_ids.take() {
                    Some(packet_id) => packet_id,
                    None => break,
                },
                false => 0,
            };
            let Some(mut envelope) = connection.queue.pop_front() else {
                break;
            };
            let Some((level, retain)) = topic else {
                self.fail(envelope, "the device has left");
                continue;
            };
            envelope.attempt += 1;
            publish.dup = false;
            publish.qos = qos(level);
            publish.retain = retain;
            publish.pkid = packet_id;
            publish.payload = envelope.payload.clone();
            let begin = scratch.out.len();
            if let Err(error) = publish.write(&mut scratch.out) {
                connection.packet_ids.free(packet_id);
                self.fail(envelope, &format!("it is no MQTT packet: {error}"));
                continue;
            }
            let is_doubted = level == Qos::AtMostOnce
                && self.hold_doubted(connection, &mut scratch.out, begin, &envelope);
            connection.writing.push_back(InFlight {
                envelope,
                qos: level,
                packet_id,
                end: self.encoded + length(scratch.out.len() - before),
                sent_at: None,
                received: false,
                suspect: false,
                is_doubted,
                strikes: 0,
            });
        }
        self.encoded += length(scratch.out.len() - before);
    }

    /// Fails an envelope that is not sent.
    pub(crate) fn fail(&self, envelope: Box<Envelope>, why: &str) {
        let completion = Completion::unsent(envelope, Outcome::Failed, Cause::backend(why));
        self.shared.inbox.complete(completion);
    }

    /// Sends DISCONNECT and closes the stream.
    pub(crate) async fn disconnect(&mut self) {
        let mut bytes = BytesMut::new();
        if Disconnect.write(&mut bytes).is_ok() && self.stream.write_all(&bytes).await.is_ok() {
            let _ = self.stream.shutdown().await;
        }
    }
}

/// Converts a number of bytes.
pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
