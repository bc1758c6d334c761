//! Holds one message on its way to the backend.

use std::rc::Rc;

use bytes::Bytes;

/// A device's number on its worker.
pub type DeviceIndex = u32;

/// A topic or path that replaces the one of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicOverride {
    /// The text on the wire.
    pub sent: Rc<str>,
    /// The text in the log, with `${NAME}` in place of values of the environment.
    pub shown: Rc<str>,
}

/// One message on its way to the backend.
#[derive(Debug)]
pub struct Envelope {
    /// The sender.
    pub device: DeviceIndex,
    /// Index of the channel among the target's channels, in the order of their names.
    pub route: u16,
    /// The message's position among all messages of this device, from zero.
    pub seq: u64,
    /// Zero for the message itself; the number of the copy that a fault sends.
    pub copy: u8,
    /// The number of transmissions; zero before the first one.
    pub attempt: u32,
    /// The due time of its tick, microseconds into the run.
    pub due: u64,
    /// The bytes on the wire.
    pub payload: Bytes,
    /// The media type, sent by HTTP; MQTT 3.1.1 has no field for it.
    pub content_type: Option<String>,
    /// HTTP headers; MQTT 3.1.1 has no field for them.
    pub properties: Vec<(String, String)>,
    /// The device's last status.
    pub status: Option<Rc<str>>,
    /// An MQTT topic or HTTP path that replaces the one of the channel.
    pub topic: Option<TopicOverride>,
    /// The injected fault that changed the message.
    pub fault: Option<Rc<str>>,
    /// The number of dropped messages in a row to which this one is an answer: the device
    /// returned it for the receipt of a dropped message.
    pub drops: u8,
}

impl Envelope {
    /// Returns the memory that the message takes, in bytes.
    #[inline]
    #[must_use]
    pub fn memory(&self) -> usize {
        let properties = self.properties.iter();
        let properties: usize = properties
            .map(|(name, value)| size_of::<(String, String)>() + name.len() + value.len())
            .sum();
        size_of::<Self>() + self.payload.len() + properties
    }
}

/// The final state of a message, as in the log's column `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged by the backend.
    Acked,
    /// Written to the connection; the protocol has no acknowledgement.
    Sent,
    /// Refused, timed out, or lost with the connection.
    Failed,
    /// Never sent.
    Dropped,
    /// Sent, and not acknowledged when the run ended.
    Unconfirmed,
    /// Written to the log only; the target was not contacted.
    Written,
}
