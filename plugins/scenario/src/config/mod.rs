//! The settings of a scenario: names, units, ranges, defaults. Must not know what they
//! do; `compile` makes of them what runs.

mod length;
mod lenient;
mod tree;

use std::collections::BTreeMap;

use mockfleet_sdk::generate::Spec;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use length::Length;
pub(crate) use lenient::Lenient;
pub(crate) use tree::Tree;

/// A device without code.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What the device measures: a generator for each name. Messages, conditions and other
    /// fields refer to it by its name.
    #[serde(default)]
    pub fields: BTreeMap<String, Lenient<Spec>>,
    /// What the device remembers: a first value for each name. Only `set` of answers and
    /// transitions changes it.
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
    /// What it sends, by a name for each kind of message.
    #[schemars(extend("minProperties" = 1))]
    pub messages: BTreeMap<String, Message>,
    /// What state it can be in, and how it behaves there. Absent: one status, `on`.
    #[serde(default)]
    pub statuses: BTreeMap<String, Status>,
    /// The status it begins in. Needed when there is more than one.
    #[serde(default)]
    pub start: Option<String>,
    /// Transitions out of every status but the one that they lead to.
    #[serde(default)]
    pub transitions: Vec<Lenient<Transition>>,
    /// What it does when it receives something. Each that fits is done, in this order, and
    /// then the first transition that fits.
    #[serde(default)]
    pub answers: Vec<Lenient<Answer>>,
    /// Keeps messages while there is no connection, and sends them late. Absent: what
    /// cannot leave waits in the host's outbox, and an offline device makes no messages.
    #[serde(default)]
    pub store_and_forward: Option<StoreAndForward>,
}

/// One kind of message. Exactly one of `json`, `text`, `csv` and `binary` says what its
/// payload is; `{{ name }}` in it stands for a field, a variable, or what the device knows
/// of itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Message {
    /// The channel that it is sent on; the target says where that leads. Absent: the
    /// message's name.
    #[serde(default)]
    pub channel: Option<String>,
    /// JSON of any shape. A text that is nothing but `{{ name }}` becomes the value itself,
    /// with its type; a member whose value is missing is left out. Given as one text, it
    /// is JSON with `{{ name }}` where values stand.
    #[serde(default)]
    pub json: Option<Tree>,
    /// Any text.
    #[serde(default)]
    pub text: Option<String>,
    /// A line of values. Quoted where needed, as in RFC 4180.
    #[serde(default)]
    pub csv: Option<Csv>,
    /// Bytes in a fixed layout, one part after the other.
    #[serde(default)]
    pub binary: Option<Vec<Part>>,
    /// Its media type. Absent: `application/json`, `text/plain; charset=utf-8`, `text/csv`
    /// or `application/octet-stream`.
    #[serde(default)]
    pub content_type: Option<String>,
    /// MQTT 5 user properties or HTTP headers; `{{ name }}` is filled in.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Whether it is sent at each tick. If not, only answers, transitions and the `send` of
    /// statuses send it.
    #[serde(default = "yes")]
    pub on_tick: bool,
    /// Sent at every so manieth tick only, the first one included.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub every_nth: u32,
}

/// A line of comma-separated values.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Csv {
    /// What stands in the columns, such as `["{{ device.id }}", "{{ temperature }}"]`.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// The names of the columns, as a line before it. Absent: no such line.
    #[serde(default)]
    pub header: Option<Vec<String>>,
    /// What stands between two columns.
    #[serde(default = "comma")]
    pub separator: char,
}

/// One part of a binary payload.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Part {
    /// Fixed bytes.
    Bytes {
        /// The bytes in hexadecimal, such as `a55a`.
        hex: String,
    },
    /// A text, cut or filled up with zeros to its length.
    Text {
        /// The text; `{{ name }}` is filled in.
        value: String,
        /// Bytes.
        #[schemars(range(min = 1, max = 65535))]
        length: usize,
    },
    /// A whole number without sign.
    Unsigned {
        /// The value, such as `{{ temperature }}`.
        value: String,
        /// Bits: 8, 16, 24, 32 or 64.
        bits: u8,
        /// What one unit of the value counts: 100 sends 21.5 as 2150.
        #[serde(default = "unit")]
        scale: f64,
        /// Added to the value before it is scaled: 40 sends -40 as 0.
        #[serde(default)]
        offset: f64,
        /// The order of the bytes.
        #[serde(default)]
        endian: Endian,
    },
    /// A whole number with a sign, in two's complement.
    Signed {
        /// The value, such as `{{ temperature }}`.
        value: String,
        /// Bits: 8, 16, 24, 32 or 64.
        bits: u8,
        /// What one unit of the value counts: 100 sends 21.5 as 2150.
        #[serde(default = "unit")]
        scale: f64,
        /// Added to the value before it is scaled.
        #[serde(default)]
        offset: f64,
        /// The order of the bytes.
        #[serde(default)]
        endian: Endian,
    },
    /// A floating-point number (IEEE 754).
    Float {
        /// The value, such as `{{ temperature }}`.
        value: String,
        /// Bits: 32 or 64.
        bits: u8,
        /// The order of the bytes.
        #[serde(default)]
        endian: Endian,
    },
}

/// The order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Endian {
    /// The most significant byte first, as on the network.
    #[default]
    Big,
    /// The least significant byte first.
    Little,
}

/// A state that the device can be in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// From tick to tick while it lasts. Absent: as the fleet file schedules the group.
    pub every: Option<Length>,
    /// The messages that it sends at each tick. Absent: those that are `on-tick`.
    pub send: Option<Vec<String>>,
    /// Other generators for some fields while it lasts.
    pub fields: BTreeMap<String, Lenient<Spec>>,
    /// Other payloads for some messages while it lasts.
    pub messages: BTreeMap<String, Override>,
    /// What it does with its connection.
    pub link: Link,
    /// How it ends. Of those that are due at the same time, the first one counts.
    pub transitions: Vec<Lenient<Transition>>,
}

/// A message's payload while a status lasts: exactly one of `json`, `text`, `csv` and
/// `binary`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// JSON of any shape. A text that is nothing but `{{ name }}` becomes the value itself,
    /// with its type; a member whose value is missing is left out. Given as one text, it
    /// is JSON with `{{ name }}` where values stand.
    #[serde(default)]
    pub json: Option<Tree>,
    /// Any text.
    #[serde(default)]
    pub text: Option<String>,
    /// A line of values. Quoted where needed, as in RFC 4180.
    #[serde(default)]
    pub csv: Option<Csv>,
    /// Bytes in a fixed layout, one part after the other.
    #[serde(default)]
    pub binary: Option<Vec<Part>>,
}

/// What a device does with its connection when a status begins.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Keeps it.
    #[default]
    Online,
    /// Has none as long as the status lasts: it vanishes without a goodbye, and comes back
    /// with the next status.
    Offline,
    /// Closes it and opens it again at once.
    Reconnect,
    /// Vanishes without a goodbye, and comes back after this long.
    Vanish(Length),
}

/// How a status ends: exactly one of `cron`, `after`, `received`, `probability`,
/// `connection` and `when` says at what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Transition {
    /// The next status, or `terminate`: the device is done, for good.
    pub to: String,
    /// At these times: seconds, minutes, hours, days of the month, months, days of the
    /// week, such as `0 30 6 * * MON-FRI`.
    #[serde(default)]
    pub cron: Option<String>,
    /// The time zone of `cron`, such as `Europe/Berlin`. Absent: UTC.
    #[serde(default)]
    pub zone: Option<String>,
    /// This long after the status began.
    #[serde(default)]
    pub after: Option<Length>,
    /// When the device receives this.
    #[serde(default)]
    pub received: Option<Received>,
    /// With this probability at each tick.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
    /// When the connection is `lost`, or `up` (again).
    #[serde(default)]
    pub connection: Option<Connection>,
    /// When this is true at a tick, such as `temperature > 30`.
    #[serde(default)]
    pub when: Option<String>,
    /// What it remembers from then on: an expression for each variable.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that it sends at once, already in the next status.
    #[serde(default)]
    pub send: Vec<String>,
}

/// A change of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// It is lost, or closed.
    Lost,
    /// It is up.
    Up,
}

/// Something that the device receives.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Received {
    /// The channel that it comes on: one of the target's `downlink`, or with HTTP the
    /// channel of the message that was answered. Absent: any.
    #[serde(default)]
    pub channel: Option<String>,
    /// Where in its JSON to look, as a JSON path (RFC 9535) such as `$.mode`. Something must
    /// be there. Absent: the whole of it, and any bytes will do.
    #[serde(default)]
    pub path: Option<String>,
    /// What must be there: this very value.
    #[serde(default)]
    pub equals: Option<serde_json::Value>,
    /// What must be true: an expression in which `value` is what is there and `request` the
    /// whole, such as `value > 30`.
    #[serde(default)]
    pub condition: Option<String>,
}

/// What the device does when it receives something.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// What it answers to.
    pub received: Received,
    /// What it remembers from then on: an expression for each variable, such as
    /// `request.setpoint`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The messages that it sends; `{{ request.id }}` in them is a part of what it received.
    #[serde(default)]
    pub send: Vec<String>,
}

/// Keeps messages while there is no connection: they are made at their time, and sent
/// when it is up again.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreAndForward {
    /// How many messages are kept.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub capacity: usize,
    /// What gives way when there is no more room.
    #[serde(default)]
    pub full: Full,
    /// How many are sent at once when the connection is up again …
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 100))]
    pub batch: usize,
    /// … and how long until the next of them.
    #[serde(default = "second")]
    pub pause: mockfleet_sdk::generate::Span,
}

/// What gives way when the store is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Full {
    /// The oldest message that is kept.
    #[default]
    DropOldest,
    /// The new one.
    DropNewest,
}

/// The four ways to say what a payload is, of a message or of a status's own.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    pub json: Option<&'a Tree>,
    pub text: Option<&'a str>,
    pub csv: Option<&'a Csv>,
    pub binary: Option<&'a [Part]>,
}

impl Message {
    pub fn payload(&self) -> Payload<'_> {
        Payload {
            json: self.json.as_ref(),
            text: self.text.as_deref(),
            csv: self.csv.as_ref(),
            binary: self.binary.as_deref(),
        }
    }
}

impl Override {
    pub fn payload(&self) -> Payload<'_> {
        Payload {
            json: self.json.as_ref(),
            text: self.text.as_deref(),
            csv: self.csv.as_ref(),
            binary: self.binary.as_deref(),
        }
    }
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

const fn unit() -> f64 {
    1.0
}

const fn comma() -> char {
    ','
}

const fn thousand() -> usize {
    1_000
}

const fn fifty() -> usize {
    50
}

const fn second() -> mockfleet_sdk::generate::Span {
    mockfleet_sdk::generate::Span::from_micros(1_000_000)
}
