//! Converts the types of the contract to those of the SDK and back, by moving their contents.

use std::time::Duration;

use crate::contract::error::Error;
use crate::contract::event::{Event, Outcome, Receipt};
use crate::contract::turn::{Link, Message, Turn};
use crate::time::micros;
use crate::wit_export::bindings::mockfleet::device::types as wit;

impl From<Error> for wit::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidConfig(why) => Self::InvalidConfig(why),
            Error::Failed(why) => Self::Failed(why),
            Error::Retired(why) => Self::Retired(why),
        }
    }
}

impl From<Turn> for wit::Turn {
    fn from(turn: Turn) -> Self {
        Self {
            messages: turn.messages.into_iter().map(Into::into).collect(),
            status: turn.status.map(Into::into),
            next_tick: turn.next_tick.map(micros),
            link: turn.link.map(|link| match link {
                Link::Reconnect => wit::Link::Reconnect,
                Link::Vanish(length) => wit::Link::Vanish(micros(length)),
            }),
        }
    }
}

impl From<Message> for wit::Message {
    fn from(message: Message) -> Self {
        Self {
            channel: message.channel,
            payload: message.payload,
            content_type: message.content_type,
            properties: message.properties,
        }
    }
}

impl From<wit::Message> for Message {
    fn from(message: wit::Message) -> Self {
        Self {
            channel: message.channel,
            payload: message.payload,
            content_type: message.content_type,
            properties: message.properties,
        }
    }
}

impl From<wit::Event> for Event {
    fn from(event: wit::Event) -> Self {
        match event {
            wit::Event::Connected => Self::Connected,
            wit::Event::Disconnected(why) => Self::Disconnected(why),
            wit::Event::Received(message) => Self::Received(message.into()),
            wit::Event::Settled(receipt) => Self::Settled(receipt.into()),
        }
    }
}

impl From<wit::Receipt> for Receipt {
    fn from(receipt: wit::Receipt) -> Self {
        Self {
            sequence: receipt.sequence,
            channel: receipt.channel,
            outcome: match receipt.outcome {
                wit::Outcome::Acked => Outcome::Acked,
                wit::Outcome::Sent => Outcome::Sent,
                wit::Outcome::Failed => Outcome::Failed,
                wit::Outcome::Dropped => Outcome::Dropped,
            },
            latency: receipt.latency.map(Duration::from_micros),
            detail: receipt.detail,
        }
    }
}
