//! Exports a behaviour as `mockfleet:device/behaviour`. The only file that knows
//! WebAssembly: it turns the contract's types into the SDK's and back, by moving
//! what is in them.
#![allow(missing_docs, reason = "reached through `export!` only")]

mod answer;

use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::Duration;

use crate::about::About;
use crate::behaviour::{Behaviour, Device, Tick};
use crate::error::Error;
use crate::event::{Event, Outcome, Receipt};
use crate::seat::{Seat, schema};
use crate::time::{Instant, micros};
use crate::turn::{Link, Message, Turn};
pub use answer::Answer;

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        default_bindings_module: "mockfleet_sdk::glue::bindings",
        skip: ["[method]device.tick"],
    });
}

use bindings::exports::mockfleet::device::behaviour as exports;
use bindings::mockfleet::device::types as wit;

/// The plugin of one behaviour.
pub struct Plugin<B>(PhantomData<B>);

/// One device, as the host holds it. The host calls no device while it is in a call,
/// so the cell is never borrowed twice.
pub struct Resource<B>(RefCell<Seat<B>>);

impl<B: Behaviour> exports::Guest for Plugin<B> {
    type Device = Resource<B>;

    fn describe() -> wit::Description {
        description(B::about(), schema::<B>())
    }
}

impl<B: Behaviour> exports::GuestDevice for Resource<B> {
    fn create(spec: wit::DeviceSpec) -> Result<exports::Device, wit::Error> {
        let device = Device {
            id: spec.id,
            group: spec.group,
            index: spec.index,
            seed: spec.seed,
            born: Instant::from_micros(spec.born),
        };
        let seat = Seat::<B>::create(&device, &spec.config)?;
        Ok(exports::Device::new(Self(RefCell::new(seat))))
    }

    fn handle(&self, at: wit::Instant, event: wit::Event) -> Result<wit::Turn, wit::Error> {
        let at = Instant::from_micros(at);
        Ok(self.0.borrow_mut().handle(at, event.into())?.into())
    }
}

/// The contract's `tick`, without the code that the bindings would generate for it: it is
/// what a plugin is called for most.
///
/// # Safety
/// `device` is what the host was given when it made a device of this behaviour.
pub unsafe fn tick<B: Behaviour>(device: *const u8, at: u64, sequence: u64) -> *const Answer {
    // SAFETY: as the caller's.
    let device = unsafe { exports::DeviceBorrow::lift(device) };
    let seat = &device.get::<Resource<B>>().0;
    let tick = Tick {
        at: Instant::from_micros(at),
        sequence,
    };
    answer::keep(|turn| seat.borrow_mut().tick(tick, turn))
}

fn description(about: About, config_schema: String) -> wit::Description {
    let mut interests = wit::Interests::empty();
    interests.set(wit::Interests::LINK, about.link);
    interests.set(wit::Interests::DOWNLINK, about.downlink);
    interests.set(wit::Interests::RECEIPTS, about.receipts);
    wit::Description {
        name: about.name.into(),
        version: about.version.into(),
        summary: about.summary.into(),
        config_schema: Some(config_schema),
        channels: about.channels.into_iter().map(Into::into).collect(),
        statuses: about.statuses.into_iter().map(Into::into).collect(),
        interests,
    }
}

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
