//! Defines the settings of messages and their payloads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::json_tree::Tree;

/// One kind of message. Exactly one of `json`, `text`, `csv` and `binary` is its payload.
/// `{{ name }}` in it is replaced by a field, a variable, or a builtin value of the device.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Message {
    /// The channel that it is sent on, which the target maps. Absent: the message's name.
    #[serde(default)]
    pub channel: Option<String>,
    /// JSON of any shape. A text that is only `{{ name }}` becomes the value with its type.
    /// A member with a missing value is left out. As one text, it is JSON with `{{ name }}`
    /// in place of values.
    #[serde(default)]
    pub json: Option<Tree>,
    /// Any text.
    #[serde(default)]
    pub text: Option<String>,
    /// A line of values. Quoted where needed, as in RFC 4180.
    #[serde(default)]
    pub csv: Option<Csv>,
    /// Bytes in a fixed layout of parts.
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
    /// Sent at every nth tick only, starting with the first one.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub every_nth: u32,
}

/// A line of comma-separated values.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Csv {
    /// The values of the columns, such as `["{{ device.id }}", "{{ temperature }}"]`.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
    /// The names of the columns, as a header line. Absent: no header.
    #[serde(default)]
    pub header: Option<Vec<String>>,
    /// The separator between two columns.
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
    /// A text, cut or padded with zeros to its length.
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
        /// The factor of the value: 100 sends 21.5 as 2150.
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
        /// The factor of the value: 100 sends 21.5 as 2150.
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

/// A message's payload while a status lasts: exactly one of `json`, `text`, `csv` and
/// `binary`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Override {
    /// JSON of any shape. A text that is only `{{ name }}` becomes the value with its type.
    /// A member with a missing value is left out. As one text, it is JSON with `{{ name }}`
    /// in place of values.
    #[serde(default)]
    pub json: Option<Tree>,
    /// Any text.
    #[serde(default)]
    pub text: Option<String>,
    /// A line of values. Quoted where needed, as in RFC 4180.
    #[serde(default)]
    pub csv: Option<Csv>,
    /// Bytes in a fixed layout of parts.
    #[serde(default)]
    pub binary: Option<Vec<Part>>,
}

/// The four forms of a payload, of a message or of a status.
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
