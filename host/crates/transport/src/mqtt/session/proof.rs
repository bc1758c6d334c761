//! Waits for the answer to the last ping of a connection.
//!
//! Nothing confirms a message of QoS 0. The answer to a ping behind the last one shows that
//! the broker has read all of them.

use std::future::Future;
use std::task::{Context, Poll};

use rumqttc::PingReq;

use crate::mqtt::connection::Connection;
use crate::mqtt::session::write::Session;
use crate::mqtt::target::PROOF_TIMEOUT;

impl Session<'_> {
    /// Waits until the broker has read all, or its time is over.
    pub(crate) fn poll_proof(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<()> {
        if !connection.proof.is_wanting() {
            self.proof_wait = None;
            return Poll::Ready(());
        }
        if connection.proof.needs_ping() {
            self.ping(connection);
            // The next poll writes it.
            cx.waker().wake_by_ref();
        }
        let wait = self
            .proof_wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PROOF_TIMEOUT)));
        wait.as_mut().poll(cx)
    }

    /// Adds a ping behind all that is encoded.
    pub(crate) fn ping(&mut self, connection: &mut Connection) {
        connection.proof.note_ping();
        self.reply(|out| PingReq.write(out));
    }
}
