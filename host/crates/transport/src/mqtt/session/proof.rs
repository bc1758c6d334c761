//! Waits for the answer to the last ping of a connection.
//!
//! Nothing confirms a message of QoS 0. The answer to a ping behind the last one shows that
//! the broker has read all of them.

use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use rumqttc::PingReq;

use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::error::SessionError;
use crate::mqtt::session::write::{Session, SessionEnd};
use crate::mqtt::target::Scratch;

/// The time that the broker has to read all before the end of a connection, 5 s: as long as
/// the end of a run waits for acknowledgements.
pub(crate) const PROOF_TIMEOUT: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// Ends the session as requested, once the broker has read all or its time is over.
    pub(crate) fn end_with_proof(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        scratch: &mut Scratch,
        request: CloseRequest,
    ) -> Poll<SessionEnd> {
        match self.poll_proof(cx, connection, scratch) {
            Ok(Poll::Ready(())) => Poll::Ready(SessionEnd::Requested(request)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(error) => Poll::Ready(SessionEnd::Lost(error)),
        }
    }

    fn poll_proof(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        scratch: &mut Scratch,
    ) -> Result<Poll<()>, SessionError> {
        if !connection.proof.is_wanting() {
            self.proof_wait = None;
            return Ok(Poll::Ready(()));
        }
        if connection.proof.needs_ping() {
            self.ping(connection);
            self.write(cx, connection, scratch)?;
        }
        let wait = self
            .proof_wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PROOF_TIMEOUT)));
        Ok(wait.as_mut().poll(cx))
    }

    /// Adds a ping behind all that is encoded.
    pub(crate) fn ping(&mut self, connection: &mut Connection) {
        connection.proof.note_ping();
        self.reply(|out| PingReq.write(out));
    }
}
