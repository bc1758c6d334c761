//! Holds the devices of a test, and the events of their transport.

use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::device::DeviceInfo;
use crate::envelope::{DeviceIndex, Envelope, Outcome};
use crate::event::{Completion, TransportEvent};
use crate::http::target::tests::server;
use crate::http::transport::HttpTransport;
use crate::inbox::EventInbox;
use crate::mqtt::target::tests::broker;
use crate::mqtt::transport::MqttTransport;
use crate::transport::Transport;

/// The maximum time of a wait, 20 s: far more than any test needs.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// Runs a test inside a runtime.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

/// The devices of one target.
pub(crate) struct TestFleet {
    pub(crate) transport: Box<dyn Transport>,
    inbox: EventInbox,
    pub(crate) completed: Vec<Completion>,
    /// The devices that received a message.
    pub(crate) received: Vec<DeviceIndex>,
    /// The bytes of each received message.
    pub(crate) received_bytes: Vec<usize>,
    pub(crate) warnings: Vec<String>,
    /// The texts by which warnings are counted.
    pub(crate) kinds: Vec<String>,
    pub(crate) reconnects: u32,
    /// The devices with a refused subscription, and the details.
    pub(crate) refused: Vec<(DeviceIndex, String)>,
    /// The devices whose message was too large, and its bytes.
    pub(crate) oversize: Vec<(DeviceIndex, usize)>,
    /// Messages of QoS 0 that the broker may not have read.
    pub(crate) unproven: u64,
}

impl TestFleet {
    /// Connects `count` devices to a broker. Their messages go to the topic `s/{device}`.
    pub(crate) fn connect(port: u16, keys: &str, count: u32) -> Self {
        let inbox = EventInbox::default();
        let transport = MqttTransport::new(&broker(port, keys), 0, 1, inbox.clone());
        Self::open(Box::new(transport), inbox, count)
    }

    /// Makes `count` devices that send to the path `/{device}` of a server.
    pub(crate) fn for_server(port: u16, keys: &str, count: u32) -> Self {
        let inbox = EventInbox::default();
        let transport = HttpTransport::new(&server(port, keys), inbox.clone());
        Self::open(Box::new(transport), inbox, count)
    }

    fn open(transport: Box<dyn Transport>, inbox: EventInbox, count: u32) -> Self {
        let mut fleet = Self {
            transport,
            inbox,
            completed: Vec::new(),
            received: Vec::new(),
            received_bytes: Vec::new(),
            warnings: Vec::new(),
            kinds: Vec::new(),
            reconnects: 0,
            refused: Vec::new(),
            oversize: Vec::new(),
            unproven: 0,
        };
        for index in 0..count {
            fleet.join(index);
        }
        fleet
    }

    pub(crate) fn join(&mut self, index: DeviceIndex) {
        let info = DeviceInfo {
            device: format!("d{index}").into(),
            group: "g".into(),
            index,
            listens: true,
        };
        self.transport.join(index, info);
        self.transport.flush();
    }

    /// Sends a message of a device.
    pub(crate) fn send(&mut self, device: DeviceIndex, seq: u64, bytes: usize) {
        self.transport.submit(Box::new(Envelope {
            device,
            route: 0,
            seq,
            copy: 0,
            attempt: 0,
            due: 0,
            payload: Bytes::from(vec![b' '; bytes]),
            content_type: None,
            properties: Vec::new(),
            status: None,
            topic: None,
            fault: None,
            drops: 0,
        }));
        self.transport.flush();
    }

    /// Handles events until a condition holds.
    pub(crate) async fn until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        let waited = tokio::time::timeout(WAIT_LIMIT, async {
            while !holds(self) {
                let _ = tokio::time::timeout(Duration::from_millis(5), self.inbox.arrived()).await;
                self.take_events();
            }
        });
        let ended = waited.await;
        assert!(ended.is_ok(), "{:?} {:?}", self.outcomes(), self.warnings);
    }

    fn take_events(&mut self) {
        let mut events = Vec::new();
        self.inbox.take(&mut events);
        for event in events {
            match event {
                TransportEvent::Completed(completion) => self.completed.push(completion),
                TransportEvent::Received(device, message) => {
                    self.received.push(device);
                    self.received_bytes.push(message.payload.len());
                }
                TransportEvent::Warning { kind, text, .. } => {
                    self.kinds.push(kind);
                    self.warnings.push(text);
                }
                TransportEvent::Unproven(messages) => self.unproven += messages,
                TransportEvent::Refused(device, why) => {
                    self.refused.push((device, why.to_string()));
                }
                TransportEvent::Oversize { device, size, .. } => {
                    self.oversize.push((device, size));
                }
                TransportEvent::Reconnected(_) => self.reconnects += 1,
                TransportEvent::Connected(_) | TransportEvent::Disconnected(..) => {}
            }
        }
    }

    /// Closes all connections, as at the end of a run.
    pub(crate) async fn close(&mut self) {
        self.transport.close().await;
        self.take_events();
    }

    /// Returns device, outcome and attempts of each message so far, in the order of devices.
    pub(crate) fn outcomes(&self) -> Vec<(DeviceIndex, Outcome, u32)> {
        let completed = self.completed.iter();
        let mut outcomes: Vec<_> = completed
            .map(|end| (end.envelope.device, end.outcome, end.envelope.attempt))
            .collect();
        outcomes.sort_by_key(|(device, ..)| *device);
        outcomes
    }
}
