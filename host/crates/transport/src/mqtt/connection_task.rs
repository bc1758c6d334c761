//! Opens a connection, and opens it again after each end.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::connect::backoff::Backoff;
use crate::mqtt::connect;
use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::link_fault::effects;
use crate::mqtt::session::{self, End};
use crate::mqtt::target::Shared;
use crate::transport::LinkAction;

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
        if !connection.borrow_mut().fault.take_limiter_bypass() {
            shared.connect_limiter.acquire().await;
        }
        let opened = tokio::select! {
            biased;
            () = effects::wait_until_cut(&connection) => continue,
            opened = connect::open(&shared.broker, &connection) => opened,
        };
        let end = match opened {
            Ok(opened) => {
                backoff.reset();
                session::run(&shared, &connection, opened).await
            }
            Err(error) => {
                let text = error.to_string();
                shared.warn(&text);
                tracing::info!(
                    target = %shared.broker.target.name,
                    client_id = connection.borrow().client_id,
                    error = text,
                    "connection not opened"
                );
                End::Lost
            }
        };
        match end {
            End::Requested(CloseRequest::Leave) => return,
            End::Requested(CloseRequest::ByDevice(LinkAction::Vanish(duration))) => {
                stay_away(&shared, &connection, duration).await;
            }
            End::Requested(CloseRequest::ByDevice(_)) | End::Cut => {}
            End::Lost => {
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
