//! Describes a target: address, TLS, protocol and channels.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::file_source::File;
use crate::document::template::Template;
use crate::document::units::Rate;

/// A broker or a server.
#[derive(Debug, Clone)]
pub struct Target {
    /// The key under `[targets]`.
    pub name: String,
    /// Where it listens, without credentials.
    pub address: Address,
    /// CA and client certificate of an encrypted connection.
    pub tls: Tls,
    /// How many messages of one device may be open (waiting or unconfirmed) at
    /// once; what does not fit is dropped, with a row that says so.
    pub outbox: u32,
    /// The most new connections a second, over the whole run.
    pub connect_rate: Rate,
    /// How long opening a connection may take, handshakes included.
    pub connect_timeout: Duration,
    /// What is particular to the protocol.
    pub protocol: Protocol,
}

/// The address of a target, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// True for `mqtts` and `https`.
    pub encrypted: bool,
    /// A host name or an IP address (IPv6 without brackets).
    pub host: String,
    /// The port, the scheme's default filled in (1883, 8883, 80, 443).
    pub port: u16,
    /// The URL as it is logged: scheme, host, port and path; never credentials.
    pub shown: String,
}

/// What the encrypted schemes check and show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca: Option<File>,
    /// PEM files of the client certificate and its private key.
    pub identity: Option<(File, File)>,
}

/// What is particular to MQTT or HTTP.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// `mqtt://` and `mqtts://`
    Mqtt(Mqtt),
    /// `http://` and `https://`
    Http(Http),
}

/// An MQTT 3.1.1 broker.
#[derive(Debug, Clone)]
pub struct Mqtt {
    /// The client id; one of its placeholders tells connections apart.
    pub client_id: Template,
    /// One connection a device, or this many that the devices share.
    pub connections: Connections,
    /// Silence after which the client pings the broker; zero never pings.
    pub keep_alive: Duration,
    /// Whether the broker forgets the session when the connection ends.
    pub clean_session: bool,
    /// User name and password.
    pub login: Option<(String, Secret)>,
    /// What the broker publishes when the connection is lost.
    pub will: Option<Will>,
    /// QoS 1 and 2: how many publishes of a connection may wait for their
    /// acknowledgement at once.
    pub max_in_flight: u16,
    /// By the behaviour's channel.
    pub channels: BTreeMap<String, MqttChannel>,
    /// Topic filters to subscribe to, by the channel that the event is given.
    pub downlink: BTreeMap<String, MqttDownlink>,
}

/// A text that no message, row or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// How devices get their connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// One each.
    PerDevice,
    /// This many, shared.
    Shared(NonZeroU32),
}

/// The quality of service of MQTT: 0, 1 or 2 (MQTT 3.1.1, section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Qos {
    /// No acknowledgement.
    AtMostOnce = 0,
    /// Acknowledged; may arrive twice.
    AtLeastOnce = 1,
    /// Acknowledged in two steps; arrives once.
    ExactlyOnce = 2,
}

/// An MQTT last will.
#[derive(Debug, Clone)]
pub struct Will {
    /// Where it is published.
    pub topic: Template,
    /// What is published.
    pub payload: Template,
    /// With which QoS.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
}

/// Where a channel's messages go.
#[derive(Debug, Clone)]
pub struct MqttChannel {
    /// The topic to publish to.
    pub topic: Template,
    /// With which QoS.
    pub qos: Qos,
    /// Whether the broker keeps the last message.
    pub retain: bool,
}

/// What a device listens to.
#[derive(Debug, Clone)]
pub struct MqttDownlink {
    /// The topic filter.
    pub topic: Template,
    /// The highest QoS of delivery.
    pub qos: Qos,
}

/// An HTTP/1.1 server.
#[derive(Debug, Clone)]
pub struct Http {
    /// By the behaviour's channel.
    pub channels: BTreeMap<String, HttpChannel>,
}

/// The request that a channel's messages become.
#[derive(Debug, Clone)]
pub struct HttpChannel {
    /// `POST`, `PUT`, …: an HTTP token in capitals.
    pub method: String,
    /// Path and query, appended to the target's URL.
    pub path: Template,
    /// Headers of each request, the target's and the channel's own.
    pub headers: Vec<(String, Template)>,
    /// From sending the request to the end of the answer.
    pub timeout: Duration,
}
