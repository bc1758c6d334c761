//! The checked plan of a run: what is left of a fleet file once every value has
//! been read, its unit applied and every name resolved. Nothing here can be wrong
//! any more; nothing here knows TOML.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::checks::Checks;
use super::file::File;
use super::template::Template;
use super::units::{ByteSize, Rate};

/// A whole fleet, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The fleet's name, as it stands in topics (`{fleet}`) and in the summary.
    pub name: String,
    /// Every device's seed is derived from this one.
    pub seed: u64,
    /// How long ticks are due, on the run's clock; `None` runs until it is stopped.
    pub duration: Option<Duration>,
    /// The run's own clock.
    pub clock: Clock,
    /// Where groups send, in the order of the file.
    pub targets: Vec<Target>,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
    /// Where and how the send log is written.
    pub log: Log,
    /// What must hold at the end of the run.
    pub checks: Checks,
}

/// How many devices share one instance of a plugin where the fleet file does not say, and
/// the instance is small.
pub const DEVICES_PER_CELL: u32 = 64;

impl Plan {
    /// Instances of plugins that the fleet needs at most, about: before a plugin is loaded
    /// nobody knows whether its instances are large.
    #[must_use]
    pub fn cells(&self) -> u64 {
        let size = |group: &Group| {
            group
                .devices_per_cell
                .map_or(DEVICES_PER_CELL, NonZeroU32::get)
        };
        let cells = |group: &Group| group.count.div_ceil(size(group));
        self.groups
            .iter()
            .map(|group| u64::from(cells(group)))
            .sum()
    }
}

/// The run's own clock: what devices and rows are told the time is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// What it shows when the run begins, not before 1970; `None` is the machine's time.
    pub start: Option<jiff::Timestamp>,
    /// How fast it goes.
    pub speed: Speed,
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Self {
        Self {
            start: None,
            speed: Speed::Times(1.0),
        }
    }
}

/// How fast the run's clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as the machine's, more than 0.
    Times(f64),
    /// As fast as devices, log and backend allow.
    Max,
}

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
pub struct Secret(pub(super) String);

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

/// Devices of the same plugin, settings and schedule.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group's name.
    pub name: String,
    /// The line of the fleet file where it starts, for messages.
    pub line: Option<usize>,
    /// The plugin's file; resolved against the fleet file's folder.
    pub plugin: PluginSource,
    /// How many devices.
    pub count: u32,
    /// Index into [`Plan::targets`].
    pub target: usize,
    /// When its devices are called.
    pub schedule: Schedule,
    /// How a device's id is made: `{group}` and `{index}`.
    pub device_id: Template,
    /// How many devices share one instance of the plugin; `None` is as its size suggests.
    pub devices_per_cell: Option<NonZeroU32>,
    /// What a cell may use.
    pub limits: Limits,
    /// What breaks in it on purpose, in the order of the file.
    pub faults: Vec<super::faults::Fault>,
    /// The devices' settings: a JSON object, handed to the plugin.
    pub config: serde_json::Value,
    /// The same as the plugin gets it: its keys in the order of the file, which a payload's
    /// shape may be told with.
    pub settings: String,
    /// Files that its devices can read, by the name that its settings use.
    pub data: BTreeMap<String, File>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSource {
    /// A component's file.
    File(File),
    /// One inside the binary: `builtin:NAME`.
    Builtin(String),
}

/// When the devices of a group are called.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The time between two ticks of a device.
    pub pace: Pace,
    /// How first ticks lie within the first interval.
    pub start: Start,
    /// Each tick moves by up to this fraction of the interval, 0 to 0.5.
    pub jitter: f64,
    /// The time over which devices are switched on, one after the other; `None`
    /// is as fast as the target's connect rate allows.
    pub ramp: Option<Duration>,
    /// How rate and devices change while the run goes; empty: not at all.
    pub stages: Vec<Stage>,
    /// What comes when the stages are over.
    pub after: After,
}

/// A time of the run, and how the rate of a group, and the share of its devices that
/// are switched on, move in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it takes.
    pub duration: Duration,
    /// How rate and devices go from where they begin.
    pub shape: Shape,
    /// Ticks a second of one device, 0 to 1000.
    pub rate: Way,
    /// The share of devices that are switched on, 0 to 1.
    pub devices: Way,
}

impl Stage {
    /// Ticks a second of one device when the stage is over.
    #[must_use]
    pub fn rate_at_end(&self) -> f64 {
        self.rate.at(self.level_at_end())
    }

    /// The share of devices that are on when the stage is over.
    #[must_use]
    pub fn devices_at_end(&self) -> f64 {
        self.devices.at(self.level_at_end())
    }

    fn level_at_end(&self) -> f64 {
        match self.shape {
            Shape::Step | Shape::Ramp => 1.0,
            Shape::Spike(period) | Shape::Sine(period) => {
                let waves = self.duration.as_secs_f64() / period.as_secs_f64();
                self.shape.level(waves.fract())
            }
        }
    }
}

/// Where a value begins and where it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// At level 0 of the shape.
    pub from: f64,
    /// At level 1.
    pub to: f64,
}

impl Way {
    /// No way at all: it stays where it is.
    #[must_use]
    pub const fn level(value: f64) -> Self {
        Self {
            from: value,
            to: value,
        }
    }

    /// The value at a level of the shape.
    #[must_use]
    pub fn at(self, level: f64) -> f64 {
        self.from + (self.to - self.from) * level
    }
}

/// How a stage goes its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is there at once.
    Step,
    /// Evenly, over the whole stage.
    Ramp,
    /// Evenly there and back, once a period.
    Spike(Duration),
    /// There and back like a tide, once a period.
    Sine(Duration),
}

impl Shape {
    /// How far on its way it is at `place`, 0 to 1 of its wave.
    #[must_use]
    pub fn level(self, place: f64) -> f64 {
        match self {
            Self::Step => 1.0,
            Self::Ramp => place,
            Self::Spike(_) => 1.0 - (2.0 * place - 1.0).abs(),
            // Not the system's: the same to the bit on every machine.
            Self::Sine(_) => (1.0 - libm::cos(std::f64::consts::TAU * place)) / 2.0,
        }
    }
}

/// What comes when the stages of a group are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The group's own rate, with all devices.
    Return,
    /// What the last stage ended with.
    Hold,
    /// The first stage again.
    Repeat,
}

/// The time between two ticks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Open loop: a tick is due when it is due, however slow the backend.
    Every(Duration),
    /// Closed loop: the next tick is due as soon as the outbox has room.
    FlatOut,
}

/// How the first ticks of a group lie within the first interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Each device has a phase of its own, drawn from its seed.
    Spread,
    /// All at once.
    Together,
}

/// What one cell may use, and what one turn may return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the cell; `None` is as the size of an instance suggests.
    pub memory: Option<ByteSize>,
    /// The longest that one call may take.
    pub deadline: Duration,
    /// Messages a turn.
    pub messages: u32,
    /// Bytes a message.
    pub message_size: ByteSize,
    /// Lines a second that the cell may print.
    pub log_lines: u32,
}

/// The send log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Where the Parquet files go; `None` writes no log.
    pub store: Option<Store>,
    /// What is kept of a payload.
    pub payload: KeepPayload,
    /// A file is finished when it has grown to this size …
    pub roll_size: ByteSize,
    /// … or this old.
    pub roll_every: Duration,
    /// How often what is in the spool is made safe from a loss of power.
    pub sync: Duration,
    /// How much may wait in the spool …
    pub spool_limit: ByteSize,
    /// … and what happens when more would.
    pub spool_full: SpoolFull,
    /// Files of a folder whose hours are over for so long are deleted.
    pub keep: Option<Duration>,
}

/// Where the Parquet files of the send log go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A folder; created when it is missing.
    Folder(PathBuf),
    /// An S3-compatible bucket; credentials and endpoint come from `AWS_*`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key prefix, without slashes at its ends; may be empty.
        prefix: String,
    },
}

/// What a row keeps of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum KeepPayload {
    /// All of it.
    Full,
    /// Its size only.
    None,
    /// Its first bytes; text is cut between characters.
    Cut(ByteSize),
    /// Its SHA-256, so that a payload can be proved without being kept.
    Hash,
}

/// What happens when the spool is over its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolFull {
    /// Devices are held up until there is room.
    Pause,
    /// Devices go on, and rows are lost: counted, and noted in `events`.
    Drop,
}
