//! Opens a connection, and opens it again after each end.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use mockfleet_config::{Connections, Placeholder};

use crate::cause::Cause;
use crate::connect::backoff::Backoff;
use crate::connect::connect_window::HandshakeEnd;
use crate::mqtt::connect::{self, Opened};
use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::error::{ConnectError, SessionError};
use crate::mqtt::link_fault::effects;
use crate::mqtt::requeue::Loss;
use crate::mqtt::session::write::{Session, SessionEnd};
use crate::mqtt::target::{CLOSE_TIMEOUT, Shared};
use crate::transport::{Cut, LinkAction};

/// The brief connections in a row, 2, from which on the warning names the likely reason.
const MIN_BRIEF_ENDS: u32 = 2;

/// Runs a connection until its device leaves or the run ends.
pub(crate) async fn run(shared: Rc<Shared>, connection: Rc<RefCell<Connection>>) {
    let mut backoff = Backoff::default();
    loop {
        effects::wait_until_restored(&shared, &connection).await;
        if connection.borrow().close_request == Some(CloseRequest::Leave)
            && connection.borrow().is_idle(&shared)
        {
            return;
        }
        let opened = tokio::select! {
            biased;
            () = effects::wait_until_cut(&shared, &connection) => None,
            opened = open(&shared, &connection) => Some(opened),
        };
        let Some(opened) = opened else {
            if shared.closing.get() {
                return;
            }
            continue;
        };
        let end = match opened {
            Ok(opened) => Some(run_session(&shared, &connection, opened, &mut backoff).await),
            Err(error) => {
                let text = error.to_string();
                shared.warn(&text);
                connection.borrow_mut().set_unopened(error.cause());
                tracing::info!(
                    target = %shared.broker.target.name,
                    client_id = connection.borrow().client_id,
                    error = text,
                    "connection not opened"
                );
                None
            }
        };
        match end {
            Some(SessionEnd::Requested(CloseRequest::Leave)) => return,
            Some(SessionEnd::Requested(CloseRequest::ByDevice(LinkAction::Vanish(duration)))) => {
                stay_away(&shared, &connection, duration).await;
            }
            Some(SessionEnd::Requested(CloseRequest::ByDevice(_)) | SessionEnd::Cut) => {}
            Some(SessionEnd::Lost(_)) | None => {
                shared
                    .first_connections
                    .note_failed(&mut connection.borrow_mut().first);
                let wait = backoff.next();
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                tracing::debug!(client_id = connection.borrow().client_id, ms, "back-off");
                if let Some(duration) = rest(&shared, &connection, wait, false).await {
                    stay_away(&shared, &connection, duration).await;
                }
            }
        }
        if shared.closing.get() {
            return;
        }
    }
}

/// Opens the connection, when the limits permit it.
async fn open(shared: &Shared, connection: &RefCell<Connection>) -> Result<Opened, ConnectError> {
    if connection.borrow_mut().fault.take_limiter_bypass() {
        return connect::open(&shared.broker, connection).await;
    }
    let handshake = shared.connect_limiter.acquire().await;
    let opened = connect::open(&shared.broker, connection).await;
    handshake.end(match &opened {
        Ok(_) => HandshakeEnd::Accepted,
        Err(error) => error.handshake_end(),
    });
    opened
}

/// Runs an open connection to its end, and reports it.
async fn run_session(
    shared: &Rc<Shared>,
    connection: &Rc<RefCell<Connection>>,
    opened: Opened,
    backoff: &mut Backoff,
) -> SessionEnd {
    let session_present = opened.session_present;
    tracing::debug!(
        target = %shared.broker.target.name,
        client_id = connection.borrow().client_id,
        session_present,
        "connected"
    );
    let mut session = Session::new(shared, opened.stream);
    let begun = session.begin(&mut connection.borrow_mut(), session_present, &opened.rest);
    let end = match begun {
        Ok(()) => std::future::poll_fn(|cx| session.poll(cx, connection)).await,
        Err(error) => SessionEnd::Lost(error),
    };
    let sends_disconnect = match &end {
        SessionEnd::Requested(
            CloseRequest::Leave | CloseRequest::ByDevice(LinkAction::Reconnect),
        ) => true,
        SessionEnd::Cut => {
            connection.borrow().fault.cut() == Some(Cut::Closed) && session.has_written_all()
        }
        SessionEnd::Requested(CloseRequest::ByDevice(_)) | SessionEnd::Lost(_) => false,
    };
    if sends_disconnect && !session.is_frozen() {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, session.disconnect()).await;
    }
    let why = match &end {
        SessionEnd::Lost(error) => Cause::backend(error.to_string()),
        SessionEnd::Requested(CloseRequest::Leave) => Cause::backend("closed"),
        SessionEnd::Requested(CloseRequest::ByDevice(LinkAction::Reconnect)) => {
            Cause::backend("closed by the device")
        }
        SessionEnd::Requested(CloseRequest::ByDevice(_)) => Cause::backend("dropped by the device"),
        SessionEnd::Cut => connection.borrow().fault.cut_cause(),
    };
    let by_backend = matches!(end, SessionEnd::Lost(_));
    let mut connection = connection.borrow_mut();
    if by_backend {
        session.note_lost(&mut connection);
    }
    if session.has_convicted {
        backoff.take_back();
        connection.brief_ends = 0;
    }
    let lived = session.age();
    if backoff.note_end(lived, session.has_confirmed) {
        connection.brief_ends = 0;
    }
    let is_closed = matches!(
        end,
        SessionEnd::Lost(SessionError::Closed | SessionError::Lost(_))
    );
    let is_ready = session.is_ready();
    let is_quiet = session.is_quiet(&connection);
    if is_closed && is_quiet {
        connection.note_unprovoked();
    }
    let has_doubted = !connection.doubted.is_empty();
    let has_unread = connection.proof.is_wanting();
    if by_backend {
        connection.acquit();
    }
    let suspect_begun = session.has_begun_suspect();
    if session.is_frozen() {
        // The broker does not see the end of this connection before the next one is open.
        connection.fault.keep_stale(session.into_stream());
    }
    connection.set_disconnected(&why, by_backend, &shared.inbox);
    let returned = match by_backend {
        true => connection.doubted.written(),
        false => 0,
    };
    connection.report_unproven(returned, &shared.inbox);
    if !why.is_injected() {
        effects::fail_invalid(&mut connection, &why, &shared.inbox);
    }
    let loss = Loss {
        why: &why,
        by_backend,
        suspect_begun,
        lived,
    };
    connection.requeue(loss, shared);
    if is_closed && has_unread && !has_doubted && !is_quiet {
        connection.doubted.note_loss();
    }
    match &end {
        SessionEnd::Lost(_) => {
            tracing::info!(
                target = %shared.broker.target.name,
                client_id = connection.client_id,
                reason = %why,
                "connection lost"
            );
            let is_explained =
                !is_closed || !is_ready || has_doubted || connection.accused.is_some();
            connection.brief_ends = connection.brief_ends.saturating_add(1);
            match is_explained || connection.brief_ends < MIN_BRIEF_ENDS {
                true => shared.warn(&why.text()),
                false => warn_of_rival(shared, &connection.client_id),
            }
        }
        SessionEnd::Requested(_) => {
            tracing::debug!(client_id = connection.client_id, reason = %why, "connection closed");
        }
        SessionEnd::Cut => {
            tracing::debug!(client_id = connection.client_id, reason = %why, "connection cut");
        }
    }
    end
}

/// Reports that connections are opened and soon lost, with the likely reason.
fn warn_of_rival(shared: &Shared, client_id: &str) {
    let mqtt = &shared.broker.mqtt;
    let kind = "the broker accepts a connection and soon ends it, again and again";
    let placeholder = match mqtt.connections {
        Connections::PerDevice => "{device}",
        Connections::Shared(_) => "{connection}",
    };
    let advice = match mqtt.client_id.has(Placeholder::Run) {
        true => "the broker's log has its reason".to_owned(),
        false => format!(
            "the likely reason is another client with this client id, such as a second run of this fleet; client-id = \"{{run}}-{placeholder}\" is another id in each run"
        ),
    };
    shared.warn_as(kind, &format!("{kind} (client id {client_id}); {advice}"));
}

/// Keeps the connection closed for as long as its device requests.
async fn stay_away(shared: &Shared, connection: &RefCell<Connection>, mut duration: Duration) {
    while let Some(longer) = rest(shared, connection, duration, true).await {
        duration = longer;
    }
}

/// Sleeps, unless the device leaves and has no open message.
///
/// A device that vanished by its own action can end the sleep with a reconnect. A device
/// that lost its connection has no connection to reopen, and waits. Returns the duration
/// of a further absence, if the device requests one.
async fn rest(
    shared: &Shared,
    connection: &RefCell<Connection>,
    duration: Duration,
    vanished: bool,
) -> Option<Duration> {
    let sleep = tokio::time::sleep(duration);
    tokio::pin!(sleep);
    std::future::poll_fn(|cx| {
        let mut connection = connection.borrow_mut();
        connection.register(cx);
        match connection.close_request {
            Some(CloseRequest::Leave) if connection.is_idle(shared) => Poll::Ready(None),
            Some(CloseRequest::ByDevice(LinkAction::Vanish(duration))) => {
                connection.close_request = None;
                Poll::Ready(Some(duration))
            }
            Some(CloseRequest::ByDevice(LinkAction::Reconnect)) => {
                connection.close_request = None;
                if vanished {
                    return Poll::Ready(None);
                }
                sleep.as_mut().poll(cx).map(|()| None)
            }
            _ => sleep.as_mut().poll(cx).map(|()| None),
        }
    })
    .await
}
