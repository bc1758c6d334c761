//! Exports a behaviour by the interface of the contract.

use std::cell::RefCell;
use std::marker::PhantomData;

use crate::contract::about::About;
use crate::contract::behaviour::{Behaviour, Device, Start, Tick};
use crate::contract::settings;
use crate::device_slot::DeviceSlot;
use crate::time::Instant;
use crate::wit_export::bindings::exports::mockfleet::device::behaviour as exports;
use crate::wit_export::bindings::mockfleet::device::types as wit;
use crate::wit_export::tick_result::{self, TickResult};

/// The plugin of one behaviour.
pub struct Plugin<B>(PhantomData<B>);

/// One device as a resource of the host. The host does not call a device during another
/// call, so the cell is never borrowed twice.
pub struct Resource<B>(RefCell<DeviceSlot<B>>);

impl<B: Behaviour> exports::Guest for Plugin<B> {
    type Device = Resource<B>;

    fn describe() -> wit::Description {
        description(B::about(), settings::schema::<B::Config>())
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
        let slot = DeviceSlot::<B>::create(&device, &spec.config)?;
        Ok(exports::Device::new(Self(RefCell::new(slot))))
    }

    fn start(
        &self,
        at: wit::Instant,
        first_tick: Option<wit::Instant>,
    ) -> Result<wit::Turn, wit::Error> {
        let start = Start {
            at: Instant::from_micros(at),
            first_tick: first_tick.map(Instant::from_micros),
        };
        Ok(self.0.borrow_mut().start(start)?.into())
    }

    fn handle(&self, at: wit::Instant, event: wit::Event) -> Result<wit::Turn, wit::Error> {
        let at = Instant::from_micros(at);
        Ok(self.0.borrow_mut().handle(at, event.into())?.into())
    }
}

/// The `tick` of the contract, without the code that the bindings would generate: it is the
/// most frequent call of a plugin.
///
/// # Safety
/// `device` must be the handle that the host received when it created a device of this
/// behaviour.
pub unsafe fn tick<B: Behaviour>(device: *const u8, at: u64, sequence: u64) -> *const TickResult {
    // SAFETY: as the caller's.
    let device = unsafe { exports::DeviceBorrow::lift(device) };
    let slot = &device.get::<Resource<B>>().0;
    let tick = Tick {
        at: Instant::from_micros(at),
        sequence,
    };
    tick_result::replace(|turn| slot.borrow_mut().tick(tick, turn))
}

fn description(about: About, config_schema: String) -> wit::Description {
    let mut interests = wit::Interests::empty();
    interests.set(wit::Interests::LINK, about.link);
    interests.set(wit::Interests::DOWNLINK, about.downlink);
    interests.set(wit::Interests::RECEIPTS, about.receipts);
    interests.set(wit::Interests::START, about.start);
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
