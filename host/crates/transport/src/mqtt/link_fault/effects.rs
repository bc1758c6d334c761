//! Waits for link faults, and fails messages that a fault made invalid.

use std::cell::RefCell;
use std::task::Poll;

use tokio::time::Instant;

use crate::cause::Cause;
use crate::envelope::Outcome;
use crate::event::Completion;
use crate::inbox::EventInbox;
use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::session_state::in_flight::InFlight;
use crate::mqtt::target::Shared;

/// Waits while the connection is cut, unless its device leaves.
pub(crate) async fn wait_until_restored(shared: &Shared, connection: &RefCell<Connection>) {
    std::future::poll_fn(|cx| {
        let mut connection = connection.borrow_mut();
        connection.register(cx);
        let leaves =
            connection.close_request == Some(CloseRequest::Leave) && connection.is_idle(shared);
        match connection.fault.cut() {
            Some(_) if !leaves => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

/// Waits until the connection is cut, or the run ends.
pub(crate) async fn wait_until_cut(shared: &Shared, connection: &RefCell<Connection>) {
    std::future::poll_fn(|cx| {
        let mut connection = connection.borrow_mut();
        connection.register(cx);
        match connection.fault.cut().is_some() || shared.closing.get() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Fails the messages that a fault made invalid for the broker, after the end of their
/// connection.
///
/// Such a message ends the connection each time. So it is not sent again, and the other
/// messages are.
pub(crate) fn fail_invalid(connection: &mut Connection, why: &Cause, inbox: &EventInbox) {
    let is_invalid = |packet: &InFlight| {
        let fault = packet.envelope.fault.as_deref().unwrap_or_default();
        fault.contains("oversize") || fault.contains("wrong-topic")
    };
    let mut failed = Vec::new();
    // Of the packets in `writing`, the broker can have read only the first.
    if connection.writing.front().is_some_and(is_invalid) {
        failed.extend(connection.writing.pop_front());
    }
    for packet in std::mem::take(&mut connection.in_flight) {
        if is_invalid(&packet) {
            failed.push(packet);
        } else {
            connection.in_flight.push_back(packet);
        }
    }
    for packet in failed {
        connection.abandon(&packet);
        let fault = packet.envelope.fault.clone().unwrap_or_default();
        let detail = format!("the connection was lost while it was open: {why}");
        inbox.complete(Completion {
            sent_at: packet.sent_at.map(Instant::into_std),
            ..Completion::unsent(
                packet.envelope,
                Outcome::Failed,
                Cause::injected_with(fault, detail),
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TransportEvent;
    use crate::mqtt::requeue::tests::{connection, loss, packet};
    use crate::mqtt::target::tests::shared;
    use crate::transport::{Cut, LinkAction};

    #[test]
    fn invalid_messages_fail_at_once_and_others_are_kept() {
        let mut connection = connection(false);
        for (seq, fault) in [
            (0, None),
            (1, Some("oversize from 9 bytes")),
            (2, Some("corrupt")),
        ] {
            let mut packet = packet(seq);
            packet.envelope.seq = seq;
            packet.envelope.fault = fault.map(Into::into);
            packet.sent_at = Some(Instant::now());
            connection.in_flight.push_back(packet);
        }
        let shared = shared("");
        let why = Cause::backend("closed by the broker");
        connection.set_disconnected(&why, true, &shared.inbox);
        fail_invalid(&mut connection, &why, &shared.inbox);
        connection.requeue(loss(&why, true), &shared);
        let left = connection.resend.iter();
        let left: Vec<u64> = left.map(|packet| packet.envelope.seq).collect();
        assert_eq!(left, [0, 2]);
        let mut events = Vec::new();
        shared.inbox.take(&mut events);
        let [TransportEvent::Completed(completion)] = events.as_slice() else {
            panic!("{events:?}");
        };
        let why = completion.error.as_ref().unwrap().to_string();
        assert!(
            why.starts_with("injected fault: oversize from 9 bytes: "),
            "{why}"
        );
    }

    #[test]
    fn cut_is_the_cause_until_reconnect_and_blames_no_message() {
        let mut connection = connection(false);
        let mut suspect = packet(0);
        suspect.suspect = true;
        suspect.sent_at = Some(Instant::now());
        connection.in_flight.push_back(suspect);
        let fault = "storm";
        let how = Cut::Lost;
        assert!(connection.fault.apply(LinkAction::Cut { how, fault }));
        let why = connection.fault.cut_cause();
        assert_eq!(
            why.to_string(),
            "injected fault: storm: the connection was lost"
        );
        let shared = shared("");
        connection.set_disconnected(&why, false, &shared.inbox);
        connection.requeue(loss(&why, false), &shared);
        assert!(shared.inbox.is_empty() && connection.resend.len() == 1);
        let bypass_limiter = true;
        let restore = LinkAction::Restore { bypass_limiter };
        assert!(connection.fault.apply(restore));
        assert_eq!(connection.fault.name(), Some("storm"));
        assert!(connection.fault.take_limiter_bypass());
        assert!(!connection.fault.take_limiter_bypass(), "once");
        connection.set_connected(&shared.inbox);
        assert_eq!(
            (connection.fault.name(), connection.fault.cut()),
            (None, None)
        );
    }
}
