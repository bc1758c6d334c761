//! Defines the answer of a device: messages, status, next tick, connection.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::error::Error;

/// The initial capacity of a message's buffer, in bytes: room for a usual reading, so that
/// most buffers are never moved.
const PAYLOAD_START: usize = 256;

/// One message that a device sends or receives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Message {
    /// The logical channel, for example `telemetry`. The fleet file maps it to an
    /// MQTT topic or an HTTP request.
    pub channel: String,
    /// The bytes on the wire, unchanged.
    pub payload: Vec<u8>,
    /// The media type of `payload`, for example `application/json`.
    pub content_type: Option<String>,
    /// MQTT 5 user properties, or HTTP headers, in this order.
    pub properties: Vec<(String, String)>,
}

impl Message {
    /// A message of these bytes, without content type and properties.
    pub fn new(channel: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            channel: channel.into(),
            payload: payload.into(),
            ..Self::default()
        }
    }

    /// Sets the media type of the payload.
    pub fn content_type(&mut self, media_type: impl Into<String>) -> &mut Self {
        self.content_type = Some(media_type.into());
        self
    }

    /// Adds an MQTT 5 user property, or an HTTP header.
    pub fn property(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// Reads the payload as JSON.
    ///
    /// # Errors
    /// [`Error::Failed`] with the channel when the payload is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.payload).map_err(|error| {
            Error::failed(format_args!(
                "the message on channel {} cannot be read: {error}",
                self.channel
            ))
        })
    }
}

/// The connection change of a device, after the turn's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// Closes the connection and opens it again at once.
    Reconnect,
    /// Drops the connection without a DISCONNECT, and opens it again after this time.
    Vanish(Duration),
}

/// The answer of a device to a tick or an event. An empty turn sends nothing, changes
/// nothing, and leaves the next tick to the fleet file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    pub(crate) messages: Vec<Message>,
    pub(crate) status: Option<Cow<'static, str>>,
    pub(crate) next_tick: Option<Duration>,
    pub(crate) link: Option<Link>,
}

impl Turn {
    /// The same as [`Turn::default`], for statics.
    #[cfg(target_arch = "wasm32")]
    pub(crate) const fn new() -> Self {
        Self {
            messages: Vec::new(),
            status: None,
            next_tick: None,
            link: None,
        }
    }

    /// Empties the turn and keeps its memory for messages.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn empty(&mut self) {
        self.messages.clear();
        self.status = None;
        self.next_tick = None;
        self.link = None;
    }

    /// Sends `value` as JSON, with the content type `application/json`. Returns the
    /// message, to add properties to it or to change its bytes.
    ///
    /// # Errors
    /// [`Error::Failed`] with the channel when the value has no JSON form, for example a
    /// map whose keys are not strings. Nothing is sent then.
    pub fn json(
        &mut self,
        channel: impl Into<String>,
        value: &impl Serialize,
    ) -> Result<&mut Message, Error> {
        let channel = channel.into();
        let mut payload = Vec::with_capacity(PAYLOAD_START);
        match serde_json::to_writer(&mut payload, value) {
            Ok(()) => Ok(self
                .send(Message::new(channel, payload))
                .content_type("application/json")),
            Err(error) => Err(Error::failed(format_args!(
                "the message on channel {channel} cannot be written as JSON: {error}"
            ))),
        }
    }

    /// Sends these bytes, without a content type. Returns the message, to set one.
    pub fn bytes(
        &mut self,
        channel: impl Into<String>,
        payload: impl Into<Vec<u8>>,
    ) -> &mut Message {
        self.send(Message::new(channel, payload))
    }

    /// Sends a message after the others of this turn.
    ///
    /// The host fails a turn, and sends nothing of it, with more messages than the fleet
    /// file allows (default: 100), with a message larger than it allows (default: 1 MiB),
    /// or with a channel that the target does not have.
    pub fn send(&mut self, message: Message) -> &mut Message {
        self.messages.push_mut(message)
    }

    /// Sets the device's status, for example `low-battery`. Every turn may set it: only a
    /// change is reported.
    pub fn status(&mut self, status: impl Into<Cow<'static, str>>) -> &mut Self {
        self.status = Some(status.into());
        self
    }

    /// Schedules the next tick after this time, 1 ms at least, instead of the fleet file's
    /// schedule. The time counts from the due time of a tick, or from the time of the start or an event.
    /// The tick after the next one follows the fleet file again.
    pub fn next_tick(&mut self, after: Duration) -> &mut Self {
        self.next_tick = Some(after);
        self
    }

    /// Closes the connection and opens it again at once, after the turn's messages.
    pub fn reconnect(&mut self) -> &mut Self {
        self.link = Some(Link::Reconnect);
        self
    }

    /// Drops the connection without a DISCONNECT, and opens it again after this time.
    pub fn vanish(&mut self, length: Duration) -> &mut Self {
        self.link = Some(Link::Vanish(length));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_call_and_the_message_can_be_added_to() {
        let mut turn = Turn::default();
        turn.json("telemetry", &serde_json::json!({ "t": 21.5 }))
            .unwrap()
            .property("unit", "C");
        turn.bytes("raw", [1, 2]).content_type("application/cbor");
        let [json, raw] = turn.messages.as_slice() else {
            panic!("two messages were sent");
        };
        assert_eq!(json.payload, br#"{"t":21.5}"#);
        assert_eq!(json.content_type.as_deref(), Some("application/json"));
        assert_eq!(json.properties, [("unit".into(), "C".into())]);
        assert_eq!(raw.payload, [1, 2]);
        assert_eq!(raw.content_type.as_deref(), Some("application/cbor"));
    }

    #[test]
    fn value_without_json_form_fails_and_sends_nothing() {
        let mut turn = Turn::default();
        let map = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = turn.json("telemetry", &map).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the message on channel telemetry cannot be written as JSON: key must be a string"
        );
        assert_eq!(turn, Turn::default());
    }

    #[test]
    fn a_message_that_is_no_json_names_its_channel() {
        let error = Message::new("command", "stop").json::<u8>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the message on channel command cannot be read: ")
        );
    }
}
