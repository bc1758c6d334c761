//! Sends the messages of one device, one after the other.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::cause::Cause;
use crate::device::DeviceInfo;
use crate::envelope::{Envelope, Outcome};
use crate::event::{Completion, Downlink, TransportEvent};
use crate::http::error::RequestError;
use crate::http::request::{self, Response};
use crate::http::target::{Channel, Shared};

/// The messages of one device, in their order.
pub(crate) struct DeviceQueue {
    pub(crate) info: DeviceInfo,
    pub(crate) state: RefCell<QueueState>,
    /// Whether the envelope in flight was sent on an open connection.
    pub(crate) has_begun: Cell<bool>,
    /// Notified when a fault that stopped the queue is over.
    pub(crate) restored: Notify,
}

/// The state of a device queue.
#[derive(Default)]
pub(crate) struct QueueState {
    pub(crate) queue: VecDeque<Box<Envelope>>,
    /// The envelope in flight, and its start.
    pub(crate) current: Option<(Box<Envelope>, Instant)>,
    pub(crate) running: bool,
    /// The injected fault that stops the queue, until it is over.
    pub(crate) cut: Option<&'static str>,
}

/// Sends the messages of a queue until it is empty.
pub(crate) async fn run(shared: Rc<Shared>, queue: Rc<DeviceQueue>) {
    loop {
        while queue.state.borrow().cut.is_some() {
            queue.restored.notified().await;
        }
        let (route, path, payload) = {
            let mut state = queue.state.borrow_mut();
            let Some(mut envelope) = state.queue.pop_front() else {
                state.running = false;
                return;
            };
            envelope.attempt += 1;
            let path = envelope.topic.as_ref().map(|path| Rc::clone(&path.sent));
            let parts = (envelope.route, path, envelope.payload.clone());
            state.current = Some((envelope, Instant::now()));
            queue.has_begun.set(false);
            parts
        };
        let response = match shared.server.channels.get(usize::from(route)) {
            Some(channel) => send(&shared, &queue, channel, path, payload).await,
            None => Err(RequestError::UnknownChannel),
        };
        let current = queue.state.borrow_mut().current.take();
        let Some((envelope, sent_at)) = current else {
            return;
        };
        complete(&shared, &queue, envelope, sent_at, response);
    }
}

async fn send(
    shared: &Shared,
    queue: &DeviceQueue,
    channel: &Channel,
    path: Option<Rc<str>>,
    payload: Bytes,
) -> Result<Response, RequestError> {
    let names = shared.server.names.names_for(&queue.info, 0);
    let headers = {
        let state = queue.state.borrow();
        let envelope = state.current.as_ref().map(|(envelope, _)| &**envelope);
        request::headers(channel, &names, envelope)?
    };
    let has_begun = &queue.has_begun;
    request::send(shared, channel, &names, headers, path, payload, has_begun)
        .await
        .map_err(|error| match has_begun.get() {
            true => error,
            false => error.before_opening(),
        })
}

/// Reports the outcome of a request, and the body of its response.
fn complete(
    shared: &Shared,
    queue: &DeviceQueue,
    envelope: Box<Envelope>,
    sent_at: Instant,
    response: Result<Response, RequestError>,
) {
    let device = envelope.device;
    let channel = shared.server.channels.get(usize::from(envelope.route));
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let cause = error.cause();
            shared.warn(&cause.kind());
            shared.inbox.complete(Completion {
                sent_at: error.may_be_sent().then_some(sent_at),
                ..Completion::unsent(envelope, Outcome::Failed, cause)
            });
            return;
        }
    };
    let succeeded = response.status.is_success();
    let error = (!succeeded).then(|| response.refusal(shared.server.tls.is_none()));
    if let Some(why) = &error {
        shared.warn(why);
    }
    if response.is_cut && queue.info.listens {
        shared.warn("a response is above 1 MiB; it is no message to the device");
    }
    shared.inbox.complete(Completion {
        envelope,
        outcome: if succeeded {
            Outcome::Acked
        } else {
            Outcome::Failed
        },
        code: Some(response.status.as_u16()),
        error: error.map(Cause::backend),
        sent_at: Some(sent_at),
        acked_at: succeeded.then_some(response.at),
    });
    let is_downlink = |channel: &&Channel| queue.info.listens && response.is_downlink(channel);
    if let Some(channel) = channel.filter(is_downlink) {
        let message = Downlink {
            channel: channel.name.as_str().into(),
            held: shared.backlog.hold(response.body.len()),
            payload: response.body.into(),
            content_type: response.content_type,
            code: Some(response.status.as_u16()),
        };
        let event = TransportEvent::Received(device, Box::new(message));
        shared.inbox.push(event);
    }
}
