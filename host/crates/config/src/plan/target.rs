//! Describes a target: address, TLS, protocol and channels.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::file_source::File;
use crate::document::template::Template;
use crate::document::units::{ByteSize, Rate};

/// A broker or a server.
#[derive(Debug, Clone)]
pub struct Target {
    /// The key under `[targets]`.
    pub name: String,
    /// The address, without credentials.
    pub address: Address,
    /// CA and client certificate of an encrypted connection.
    pub tls: Tls,
    /// The maximum of open (waiting or unconfirmed) messages of one device. Further messages
    /// are dropped, with a row for each.
    pub outbox: u32,
    /// Most new connections a second, over the whole run. Without it, the backend's answers
    /// decide the pace.
    pub connect_rate: Option<Rate>,
    /// The maximum time for opening a connection, handshakes included.
    pub connect_timeout: Duration,
    /// The settings of the protocol.
    pub protocol: Protocol,
}

/// The parts of a target's address.
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

/// The certificates of an encrypted connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of the authorities to trust instead of the system's.
    pub ca: Option<File>,
    /// PEM files of the client certificate and its private key.
    pub identity: Option<(File, File)>,
}

/// The settings of MQTT or HTTP.
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
    /// The client id; one of its placeholders differs between connections.
    pub client_id: Template,
    /// One connection for each device, or this number of shared connections.
    pub connections: Connections,
    /// Silence after which the client pings the broker; zero never pings.
    pub keep_alive: Duration,
    /// Whether the broker forgets the session when the connection ends.
    pub clean_session: bool,
    /// User name and password. The name has the placeholders of the client id.
    pub login: Option<(Template, Secret)>,
    /// The message that the broker publishes when the connection is lost.
    pub will: Option<Will>,
    /// Most publishes of a connection that wait for their acknowledgement at once, for QoS 1
    /// and 2.
    pub max_in_flight: u16,
    /// Most bytes of a message from the broker.
    pub max_downlink: ByteSize,
    /// Topics by the behaviour's channel.
    pub channels: BTreeMap<String, MqttChannel>,
    /// Topic filters to subscribe to, by the channel of their events.
    pub downlink: BTreeMap<String, MqttDownlink>,
}

/// A text that no message, row or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// Returns the text itself, for the one place that sends it.
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

/// The assignment of devices to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// One connection for each device.
    PerDevice,
    /// This number of shared connections.
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
    /// The topic.
    pub topic: Template,
    /// The payload.
    pub payload: Template,
    /// The QoS.
    pub qos: Qos,
    /// Whether the broker keeps the will for later subscribers.
    pub retain: bool,
}

/// The topic of a channel's messages.
#[derive(Debug, Clone)]
pub struct MqttChannel {
    /// The topic to publish to.
    pub topic: Template,
    /// The QoS.
    pub qos: Qos,
    /// Whether the broker keeps the last message.
    pub retain: bool,
}

/// A subscription of a device.
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
    /// Requests by the behaviour's channel.
    pub channels: BTreeMap<String, HttpChannel>,
    /// Maximum time for which an unused connection is kept.
    pub idle_timeout: Duration,
}

/// The request for each message of a channel.
#[derive(Debug, Clone)]
pub struct HttpChannel {
    /// `POST`, `PUT`, …: an HTTP token in capitals.
    pub method: String,
    /// Path and query, appended to the target's URL.
    pub path: Template,
    /// Headers of each request, the target's and the channel's own.
    pub headers: Vec<(String, Template)>,
    /// Maximum time from sending the request to the end of the response.
    pub timeout: Duration,
    /// Whether the body of a response other than 2xx is downlink too.
    pub error_downlink: bool,
}

/// Returns whether a header belongs to the connection (RFC 9110, 7.6.1) or frames the message
/// (RFC 9112, 6), so that neither a fleet file nor a device can set it.
#[must_use]
pub fn is_connection_header(name: &str) -> bool {
    let own = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    own.iter().any(|header| name.eq_ignore_ascii_case(header))
}
