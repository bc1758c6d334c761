//! Holds the settings that all connections to a broker share.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use mockfleet_config::{Mqtt, MqttChannel, Qos, Rate, Target};
use rumqttc::{Publish, QoS};
use rustls::ClientConfig;

use crate::connect::connect_limiter::ConnectLimiter;
use crate::connect::first_connections::FirstConnections;
use crate::connect::tls::{self, TlsError};
use crate::device::RunNames;
use crate::inbox::EventInbox;
use crate::mqtt::session_state::doubted::MIN_DOUBTED_BYTES;

/// The maximum time to close a connection, 1 s: a broker that does not answer must not
/// hold up the end of a run.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The time that the broker has to read all before the end of a connection, 5 s: as long as
/// the end of a run waits for acknowledgements.
pub(crate) const PROOF_TIMEOUT: Duration = Duration::from_secs(5);

/// The bytes of one write, 64 KiB: the kernel takes about that many at once.
pub(crate) const WRITE_BATCH_BYTES: usize = 64 << 10;

/// The bytes of one read.
const READ_CHUNK_BYTES: usize = 16 << 10;

/// A broker, for all workers.
#[derive(Clone)]
pub struct MqttTarget {
    pub(crate) target: Arc<Target>,
    pub(crate) mqtt: Arc<Mqtt>,
    /// By the route number of envelopes.
    pub(crate) channels: Arc<[MqttChannel]>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) names: RunNames,
    /// Whether a channel has QoS 2, so that the broker can have half-done messages.
    pub(crate) sends_qos_2: bool,
}

impl MqttTarget {
    /// Checks the settings that can be checked without a connection.
    ///
    /// # Errors
    /// When CA or certificate files cannot be used.
    pub fn new(target: &Target, mqtt: &Mqtt, names: RunNames) -> Result<Self, TlsError> {
        let tls = target.address.encrypted.then(|| tls::client(&target.tls));
        Ok(Self {
            tls: tls.transpose()?,
            target: Arc::new(target.clone()),
            mqtt: Arc::new(mqtt.clone()),
            channels: mqtt.channels.values().cloned().collect(),
            names,
            sends_qos_2: mqtt
                .channels
                .values()
                .any(|channel| channel.qos == Qos::ExactlyOnce),
        })
    }
}

impl MqttTarget {
    /// Returns the maximum length of a payload from the broker.
    #[inline]
    pub(crate) fn max_payload(&self) -> usize {
        usize::try_from(self.mqtt.max_downlink.bytes()).unwrap_or(usize::MAX)
    }
}

/// State that the connections of one worker share.
pub(crate) struct Shared {
    pub(crate) broker: MqttTarget,
    pub(crate) inbox: EventInbox,
    pub(crate) connect_limiter: ConnectLimiter,
    pub(crate) first_connections: FirstConnections,
    pub(crate) scratch: RefCell<Scratch>,
    /// The size of the largest packet of QoS 0 that the broker is known to read.
    pub(crate) largest_read: Cell<usize>,
    pub(crate) closing: Cell<bool>,
}

impl Shared {
    /// Makes the state of one of `workers`.
    pub(crate) fn new(broker: MqttTarget, workers: u32, inbox: EventInbox) -> Self {
        let target = &broker.target;
        let interval = target.connect_rate.map_or(Duration::ZERO, Rate::interval) * workers;
        Self {
            connect_limiter: ConnectLimiter::new(interval, workers),
            first_connections: FirstConnections::new(target.connect_timeout, interval, workers),
            broker,
            inbox,
            scratch: RefCell::new(Scratch::default()),
            largest_read: Cell::new(MIN_DOUBTED_BYTES),
            closing: Cell::new(false),
        }
    }

    /// Reports a problem with the target's name and URL.
    pub(crate) fn warn(&self, why: &str) {
        self.warn_as(why, why);
    }

    /// Reports a problem of a kind; the first text of a kind is shown.
    pub(crate) fn warn_as(&self, kind: &str, why: &str) {
        let target = &self.broker.target;
        let (name, url) = (&target.name, &target.address.shown);
        self.inbox.warn_as(
            format!("target {name} ({url}): {kind}"),
            format!("target {name} ({url}): {why}"),
        );
    }
}

/// Buffers that all connections of a worker share. A connection keeps only the bytes that
/// one poll could not handle, so a resting connection has no buffer.
pub(crate) struct Scratch {
    pub(crate) out: BytesMut,
    pub(crate) input: BytesMut,
    pub(crate) chunk: Box<[u8]>,
    pub(crate) publish: Publish,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            out: BytesMut::with_capacity(WRITE_BATCH_BYTES + READ_CHUNK_BYTES),
            input: BytesMut::with_capacity(READ_CHUNK_BYTES),
            chunk: vec![0; READ_CHUNK_BYTES].into_boxed_slice(),
            publish: Publish::new("", QoS::AtMostOnce, Vec::new()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mockfleet_config::Protocol;

    use super::*;
    use crate::tests::settings;

    /// Returns a broker on this port, with one channel whose topic is `s/{device}`.
    pub(crate) fn broker(port: u16, keys: &str) -> MqttTarget {
        let url = format!("mqtt://127.0.0.1:{port}");
        let target = settings::target(&url, keys, "topic = \"s/{device}\"");
        let Protocol::Mqtt(mqtt) = &target.protocol else {
            panic!("no MQTT");
        };
        MqttTarget::new(&target, mqtt, settings::names()).unwrap()
    }

    /// Returns the shared state of a worker whose broker has these settings.
    pub(crate) fn shared(keys: &str) -> Shared {
        Shared::new(broker(1, keys), 1, EventInbox::default())
    }
}
