//! Runs the MQTT transport alone, from envelopes to outcomes.
//!
//! A sink receives its packets.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mockfleet_config::{Fleet, Protocol};
use mockfleet_transport::{
    DeviceIndex, DeviceInfo, Envelope, EventInbox, MqttTarget, MqttTransport, RunNames,
    Transport as _, TransportEvent,
};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// The connection of one device.
pub(crate) struct Wire {
    runtime: LocalRuntime,
    broker: MqttTransport,
    inbox: EventInbox,
    reports: Vec<TransportEvent>,
    payload: Bytes,
    seq: u64,
}

const SLOT: DeviceIndex = 0;

impl Wire {
    /// Connects to a broker of this machine.
    pub(crate) fn open(port: u16) -> Self {
        let text = format!(
            "[targets.broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n[targets.broker.channels]\ntelemetry = {{ topic = \"site/{{group}}/{{device}}/telemetry\" }}\n[[groups]]\nname = \"thermometer\"\nplugin = \"builtin:thermometer\"\ncount = 1\nevery = \"1s\"\n"
        );
        let fleet = Fleet::parse(&text, "fleet.toml", Path::new("."), &[]).expect("a fleet");
        let target = fleet.plan.targets.first().expect("a target");
        let Protocol::Mqtt(mqtt) = &target.protocol else {
            unreachable!("the URL says mqtt");
        };
        let names = RunNames {
            fleet: "bench".into(),
            run: "bench".into(),
        };
        let target = MqttTarget::new(target, mqtt, names).expect("a target");
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .expect("a runtime");
        let inbox = EventInbox::default();
        let inside = runtime.enter();
        let mut broker = MqttTransport::new(&target, 0, 1, inbox.clone());
        let member = DeviceInfo {
            device: "thermometer-00000".into(),
            group: Arc::from("thermometer"),
            index: 0,
            listens: false,
        };
        broker.join(SLOT, member);
        drop(inside);
        let mut wire = Self {
            runtime,
            broker,
            inbox,
            reports: Vec::new(),
            payload: Bytes::from(vec![b'x'; 256]),
            seq: 0,
        };
        wire.until(1, |report| matches!(report, TransportEvent::Connected(_)));
        wire
    }

    /// Submits this number of messages at once, and waits until all have left.
    pub(crate) fn send(&mut self, messages: usize) {
        for _ in 0..messages {
            self.broker.submit(Box::new(Envelope {
                device: SLOT,
                route: 0,
                seq: self.seq,
                copy: 0,
                attempt: 0,
                due: 0,
                payload: self.payload.clone(),
                content_type: None,
                properties: Vec::new(),
                status: None,
                topic: None,
                fault: None,
                drops: 0,
            }));
            self.seq += 1;
        }
        self.until(messages, |report| {
            matches!(report, TransportEvent::Completed(_))
        });
    }

    fn until(&mut self, wanted: usize, counts: impl Fn(&TransportEvent) -> bool) {
        let Self {
            runtime,
            broker,
            inbox,
            reports,
            ..
        } = self;
        runtime.block_on(async {
            broker.flush();
            let mut seen = 0;
            while seen < wanted {
                inbox.arrived().await;
                inbox.take(reports);
                seen += reports.drain(..).filter(&counts).count();
            }
        });
    }
}
