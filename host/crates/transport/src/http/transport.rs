//! Assigns envelopes to device queues, and starts the queues.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::cause::Cause;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::event::Completion;
use crate::flow::backlog::Backlog;
use crate::http::connections::IdleConnections;
use crate::http::device_queue::{self, DeviceQueue};
use crate::http::target::{HttpTarget, Shared};
use crate::inbox::EventInbox;
use crate::transport::{LinkAction, Transport};

/// The cause for a request that waits for its connection at the end of the run.
const NO_CONNECTION: &str =
    "the run ended before it could be sent: no connection to the server was opened";

/// One worker's requests to a server.
pub struct HttpTransport {
    shared: Rc<Shared>,
    queues: Vec<Option<Rc<DeviceQueue>>>,
    /// Queues that `flush` starts.
    dirty: Vec<Rc<DeviceQueue>>,
    running: Vec<JoinHandle<()>>,
}

impl HttpTransport {
    /// Makes the transport of one worker.
    #[must_use]
    pub fn new(server: &HttpTarget, inbox: EventInbox) -> Self {
        Self {
            shared: Rc::new(Shared {
                server: server.clone(),
                idle: IdleConnections::default(),
                has_answered: Cell::new(false),
                backlog: Backlog::new(Rc::clone(inbox.budget())),
                inbox,
            }),
            queues: Vec::new(),
            dirty: Vec::new(),
            running: Vec::new(),
        }
    }

    /// Warns that a connection action has no effect.
    fn warn_ignored(&self) {
        let target = &self.shared.server.target;
        self.shared.inbox.warn(format!(
            "target {}: HTTP devices have no connection of their own; their link actions are ignored",
            target.name
        ));
    }

    #[inline]
    fn queue(&self, device: DeviceIndex) -> Option<&Rc<DeviceQueue>> {
        self.queues.get(usize::try_from(device).ok()?)?.as_ref()
    }
}

impl Transport for HttpTransport {
    fn join(&mut self, device: DeviceIndex, info: DeviceInfo) {
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        if self.queues.len() <= place {
            self.queues.resize_with(place + 1, || None);
        }
        if let Some(queue) = self.queues.get_mut(place) {
            *queue = Some(Rc::new(DeviceQueue {
                info,
                state: RefCell::default(),
                has_begun: Cell::new(false),
                restored: Notify::new(),
            }));
        }
    }

    fn wait_cause(&self, device: DeviceIndex) -> Cause {
        let is_opening = self
            .queue(device)
            .is_some_and(|queue| queue.state.borrow().current.is_some() && !queue.has_begun.get());
        match is_opening {
            true => Cause::backend("there is no connection to the server yet"),
            false => Cause::backend("the server has not answered the first of them"),
        }
    }

    #[inline]
    fn submit(&mut self, envelope: Box<Envelope>) {
        let Some(queue) = self.queue(envelope.device).cloned() else {
            return;
        };
        let mut state = queue.state.borrow_mut();
        state.queue.push_back(envelope);
        if !std::mem::replace(&mut state.running, true) {
            drop(state);
            self.dirty.push(queue);
        }
    }

    #[inline]
    fn flush(&mut self) {
        // Amortised: finished tasks are removed when the list has doubled.
        if self.running.len() == self.running.capacity() {
            self.running.retain(|task| !task.is_finished());
        }
        for queue in self.dirty.drain(..) {
            let task = device_queue::run(Rc::clone(&self.shared), queue);
            self.running.push(tokio::task::spawn_local(task));
        }
    }

    fn apply_link_action(&mut self, device: DeviceIndex, action: LinkAction) {
        let cut = match action {
            LinkAction::Cut { fault, .. } => Some(fault),
            LinkAction::Restore { .. } => None,
            LinkAction::LimitBandwidth(_) => return,
            LinkAction::Reconnect | LinkAction::Vanish(_) => return self.warn_ignored(),
        };
        if let Some(queue) = self.queue(device) {
            queue.state.borrow_mut().cut = cut;
            queue.restored.notify_one();
        }
    }

    fn leave(&mut self, _device: DeviceIndex) {}

    fn drop_queued(&mut self, why: &str) {
        for queue in self.queues.iter().flatten() {
            let mut state = queue.state.borrow_mut();
            if state.queue.is_empty() {
                continue;
            }
            let cause = Cause::with_fault(state.cut, why);
            for envelope in state.queue.drain(..) {
                let completion = Completion::unsent(envelope, Outcome::Dropped, cause.clone());
                self.shared.inbox.complete(completion);
            }
        }
    }

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        for task in self.running.drain(..) {
            task.abort();
        }
        self.drop_queued("the run ended before it could be sent");
        for queue in self.queues.iter().flatten() {
            let mut state = queue.state.borrow_mut();
            if let Some((mut envelope, sent_at)) = state.current.take() {
                if !queue.has_begun.get() {
                    envelope.attempt = envelope.attempt.saturating_sub(1);
                    let cause = Cause::with_fault(state.cut, NO_CONNECTION);
                    let completion = Completion::unsent(envelope, Outcome::Dropped, cause);
                    self.shared.inbox.complete(completion);
                    continue;
                }
                let cause = Cause::backend("the run ended before the server answered");
                self.shared.inbox.complete(Completion {
                    sent_at: Some(sent_at),
                    ..Completion::unsent(envelope, Outcome::Unconfirmed, cause)
                });
            }
        }
        Box::pin(std::future::ready(()))
    }
}
