//! Assigns devices to connections, and passes envelopes on.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use mockfleet_config::Connections;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::connect::first_connections::OpeningProgress;
use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope};
use crate::event::TransportEvent;
use crate::inbox::EventInbox;
use crate::mqtt::connection::{CloseRequest, Connection};
use crate::mqtt::connection_task;
use crate::mqtt::target::{MqttTarget, Shared};
use crate::transport::{LinkAction, Transport};

/// One worker's connections to a broker.
pub struct MqttTransport {
    shared: Rc<Shared>,
    connections: Vec<Rc<RefCell<Connection>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// Index into `connections`, by device.
    connection_of: Vec<Option<usize>>,
    /// Connections with new envelopes or requests.
    dirty: Vec<usize>,
    /// The numbers of this worker's shared connections among those of the whole run;
    /// empty if each device has a connection of its own.
    shared_numbers: Vec<u32>,
    /// The number of devices that joined, by which shared connections are assigned.
    joined: usize,
}

impl MqttTransport {
    /// Makes the transport of `worker` (from zero) out of `workers`.
    #[must_use]
    pub fn new(broker: &MqttTarget, worker: u32, workers: u32, inbox: EventInbox) -> Self {
        let shared_numbers = match broker.mqtt.connections {
            Connections::PerDevice => Vec::new(),
            Connections::Shared(n) => (0..n.get()).filter(|c| c % workers == worker).collect(),
        };
        Self {
            shared: Rc::new(Shared::new(broker.clone(), workers, inbox)),
            connections: Vec::new(),
            tasks: Vec::new(),
            connection_of: Vec::new(),
            dirty: Vec::new(),
            shared_numbers,
            joined: 0,
        }
    }

    #[inline]
    fn with_connection(&mut self, device: DeviceIndex, change: impl FnOnce(&mut Connection)) {
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        let Some(Some(index)) = self.connection_of.get(place).copied() else {
            return;
        };
        if let Some(connection) = self.connections.get(index) {
            let mut connection = connection.borrow_mut();
            change(&mut connection);
            if !std::mem::replace(&mut connection.dirty, true) {
                self.dirty.push(index);
            }
        }
    }

    /// Returns the index of a device's connection, after opening it for its first device.
    fn connection_for(&mut self, info: &DeviceInfo) -> usize {
        let nth = self.joined;
        self.joined += 1;
        let number = match self.shared_numbers.len() {
            0 => info.index,
            shared => {
                let place = nth % shared;
                if place < self.connections.len() {
                    return place;
                }
                self.shared_numbers.get(place).copied().unwrap_or_default()
            }
        };
        let mqtt = &self.shared.broker.mqtt;
        let names = self.shared.broker.names.names_for(info, number);
        let mut client_id = String::new();
        mqtt.client_id.render(&names, &mut client_id);
        let will = mqtt.will.as_ref().map(|will| {
            let (mut topic, mut payload) = (String::new(), String::new());
            will.topic.render(&names, &mut topic);
            will.payload.render(&names, &mut payload);
            (topic, payload)
        });
        let (window, keeps_session) = (mqtt.max_in_flight, !mqtt.clean_session);
        let mut connection = Connection::new(client_id, will, number, window, keeps_session);
        connection.username = mqtt.login.as_ref().map(|(username, _)| {
            let mut text = String::new();
            username.render(&names, &mut text);
            text
        });
        self.shared.first_connections.add(Instant::now());
        let connection = Rc::new(RefCell::new(connection));
        self.tasks
            .push(tokio::task::spawn_local(connection_task::run(
                Rc::clone(&self.shared),
                Rc::clone(&connection),
            )));
        self.connections.push(connection);
        self.connections.len() - 1
    }
}

impl Transport for MqttTransport {
    fn join(&mut self, device: DeviceIndex, info: DeviceInfo) {
        let index = self.connection_for(&info);
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        if self.connection_of.len() <= place {
            self.connection_of.resize(place + 1, None);
        }
        if let Some(entry) = self.connection_of.get_mut(place) {
            *entry = Some(index);
        }
        if let Some(connection) = self.connections.get(index) {
            let mut connection = connection.borrow_mut();
            if connection.is_connected() {
                self.shared.inbox.push(TransportEvent::Connected(device));
            }
            connection.join(device, info, &self.shared.broker);
        }
        self.with_connection(device, |_| {});
    }

    fn has_connections(&self) -> bool {
        true
    }

    fn opening_progress(&self) -> OpeningProgress {
        self.shared.first_connections.progress(Instant::now())
    }

    fn wait_cause(&self, device: DeviceIndex) -> Cause {
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        let index = self.connection_of.get(place).copied().flatten();
        match index.and_then(|index| self.connections.get(index)) {
            Some(connection) => connection.borrow().wait_cause(),
            None => Cause::backend("the device has no connection"),
        }
    }

    #[inline]
    fn submit(&mut self, envelope: Box<Envelope>) {
        self.with_connection(envelope.device, |connection| {
            connection.queue.push_back(envelope);
        });
    }

    #[inline]
    fn flush(&mut self) {
        for index in self.dirty.drain(..) {
            if let Some(connection) = self.connections.get(index) {
                let mut connection = connection.borrow_mut();
                connection.dirty = false;
                connection.wake();
            }
        }
    }

    fn apply_link_action(&mut self, device: DeviceIndex, action: LinkAction) {
        if self.shared_numbers.is_empty() {
            self.with_connection(device, |connection| {
                if !connection.fault.apply(action) {
                    connection.close_request = Some(CloseRequest::ByDevice(action));
                }
            });
            return;
        }
        if !matches!(action, LinkAction::Reconnect | LinkAction::Vanish(_)) {
            // The fleet file permits no link fault on a shared connection.
            return;
        }
        self.shared.inbox.warn(format!(
            "target {}: devices that share a connection cannot close it; their link actions are ignored (connections = \"per-device\" allows them)",
            self.shared.broker.target.name
        ));
    }

    fn leave(&mut self, device: DeviceIndex) {
        if self.shared_numbers.is_empty() {
            self.with_connection(device, |connection| {
                connection.close_request = Some(CloseRequest::Leave);
            });
        } else {
            self.with_connection(device, |connection| connection.leave(device));
        }
    }

    fn drop_queued(&mut self, why: &str) {
        for connection in &self.connections {
            connection.borrow_mut().drop_queued(why, &self.shared.inbox);
        }
    }

    fn close(&mut self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            self.shared.closing.set(true);
            let now = Instant::now();
            let mut ends = Vec::with_capacity(self.connections.len());
            for connection in &self.connections {
                let mut connection = connection.borrow_mut();
                connection.close_request = Some(CloseRequest::Leave);
                connection.wake();
                ends.push(now + connection.close_timeout());
            }
            for (task, until) in self.tasks.iter_mut().zip(ends) {
                if tokio::time::timeout_at(until, &mut *task).await.is_err() {
                    task.abort();
                }
            }
            for connection in &self.connections {
                connection.borrow_mut().complete_all(&self.shared.inbox);
            }
        })
    }
}
