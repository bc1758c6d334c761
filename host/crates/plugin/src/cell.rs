//! One instance of a plugin and the devices in it. Every call is bounded in time,
//! memory and result; a call that breaks the bounds ends the cell.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings;
use super::bindings::mockfleet::device::types as wit;
use super::console::{Console, Printer};
use super::engine::epochs;
use super::fault::{CallError, Fault};
use super::limits::{Growth, Limits};
use super::load::Plugin;
use super::overtime;
use super::sandbox::Sandbox;
use super::surroundings::Surroundings;

/// A device's place in its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat(u32);

/// One sandboxed instance of a plugin, holding any number of devices.
pub struct Cell {
    store: Store<Sandbox>,
    instance: bindings::Plugin,
    seats: Vec<Occupant>,
    limits: Limits,
    deadline: u64,
}

/// How long a device may take to be made where there are data files to read: 1 GiB at
/// 50 MB a second.
const READING: Duration = Duration::from_secs(20);

struct Occupant {
    seed: u64,
    /// Calls so far; with the seed it determines the call's randomness.
    calls: u64,
    /// `None` once the device has retired.
    device: Option<ResourceAny>,
}

impl Cell {
    /// A fresh instance, without devices, that may look up what surrounds it.
    ///
    /// # Errors
    /// When the plugin's start-up code traps, runs too long or wants more memory
    /// than it may have.
    pub fn new(
        plugin: &Plugin,
        limits: &Limits,
        surroundings: &Arc<Surroundings>,
        console: &Console,
    ) -> Result<Self, Fault> {
        let printer = Printer::new(Arc::clone(console), limits.log_lines, plugin.name());
        let growth = Growth::new(limits.memory);
        let sandbox = Sandbox::new(growth, printer, Arc::clone(surroundings));
        let mut store = Store::new(plugin.engine(), sandbox);
        store.limiter(|sandbox| &mut sandbox.growth);
        // Results are copied out of the guest's memory, and a list may name the same
        // bytes over and over: no more comes out than could lie in there.
        store.set_hostcall_fuel(limits.memory);
        if limits.only_busy {
            overtime::allow(&mut store, limits.deadline);
        }
        let deadline = epochs(limits.deadline);
        store.set_epoch_deadline(deadline);
        match plugin.behaviour().instantiate(&mut store) {
            Ok(instance) => Ok(Self {
                store,
                instance,
                seats: Vec::new(),
                limits: limits.clone(),
                deadline,
            }),
            Err(error) => Err(fault("start-up", &error, limits, &mut store)),
        }
    }

    /// Its linear memory, bytes. That of WebAssembly grows and never shrinks.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().growth.used
    }

    /// What the behaviour says about itself.
    ///
    /// # Errors
    /// When the call ends the cell.
    pub fn describe(&mut self) -> Result<wit::Description, Fault> {
        self.store.set_epoch_deadline(self.deadline);
        let behaviour = self.instance.mockfleet_device_behaviour();
        match behaviour.call_describe(&mut self.store) {
            Ok(description) => Ok(description),
            Err(error) => Err(fault("describe", &error, &self.limits, &mut self.store)),
        }
    }

    /// Makes a device and gives it a seat.
    ///
    /// # Errors
    /// [`CallError::InvalidConfig`] and the rest, in the behaviour's own words.
    pub fn create(&mut self, spec: &wit::DeviceSpec) -> Result<Seat, CallError> {
        let seat = Seat(u32::try_from(self.seats.len()).unwrap_or(u32::MAX));
        self.seats.push(Occupant {
            seed: spec.seed,
            calls: 0,
            device: None,
        });
        self.store.data().printer.seated(&spec.id);
        self.enter(seat, spec.born)?;
        if !self.store.data().surroundings.data.is_empty() {
            // The first device of a cell reads the files for all of them.
            self.store
                .set_epoch_deadline(self.deadline.max(epochs(READING)));
        }
        let behaviour = self.instance.mockfleet_device_behaviour();
        let created = behaviour.device().call_create(&mut self.store, spec);
        let device = self.answer("create", created)?;
        if let Some(occupant) = self.seats.last_mut() {
            occupant.device = Some(device);
        }
        Ok(seat)
    }

    /// Calls a device on schedule.
    ///
    /// # Errors
    /// As the behaviour says, or that the call ended the cell.
    pub fn tick(&mut self, seat: Seat, tick: wit::Tick) -> Result<wit::Turn, CallError> {
        let device = self.enter(seat, tick.at)?.ok_or_else(retired)?;
        let behaviour = self.instance.mockfleet_device_behaviour();
        let turn = behaviour.device().call_tick(&mut self.store, device, tick);
        self.answer("tick", turn)
            .and_then(|turn| self.bounded(turn))
    }

    /// Tells a device what happened, at `at` microseconds of the run's clock.
    ///
    /// # Errors
    /// As the behaviour says, or that the call ended the cell.
    pub fn handle(
        &mut self,
        seat: Seat,
        at: u64,
        event: &wit::Event,
    ) -> Result<wit::Turn, CallError> {
        let device = self.enter(seat, at)?.ok_or_else(retired)?;
        let behaviour = self.instance.mockfleet_device_behaviour();
        let turn = behaviour
            .device()
            .call_handle(&mut self.store, device, at, event);
        self.answer("handle", turn)
            .and_then(|turn| self.bounded(turn))
    }

    /// Lets a retired device go; its state is freed in the guest.
    ///
    /// # Errors
    /// When the guest's destructor ends the cell.
    pub fn retire(&mut self, seat: Seat) -> Result<(), Fault> {
        let Some(device) = self
            .occupant(seat)
            .and_then(|occupant| occupant.device.take())
        else {
            return Ok(());
        };
        self.store.set_epoch_deadline(self.deadline);
        device
            .resource_drop(&mut self.store)
            .map_err(|error| fault("drop", &error, &self.limits, &mut self.store))
    }

    fn occupant(&mut self, seat: Seat) -> Option<&mut Occupant> {
        self.seats.get_mut(usize::try_from(seat.0).ok()?)
    }

    /// Prepares the sandbox for a call of the device.
    fn enter(&mut self, seat: Seat, now: u64) -> Result<Option<ResourceAny>, CallError> {
        self.store.set_epoch_deadline(self.deadline);
        let index = usize::try_from(seat.0).unwrap_or(usize::MAX);
        let occupant = self.seats.get_mut(index).ok_or_else(retired)?;
        let sandbox = self.store.data_mut();
        sandbox.enter(seat.0, occupant.seed, occupant.calls, now);
        occupant.calls += 1;
        Ok(occupant.device)
    }

    fn answer<T>(
        &mut self,
        call: &'static str,
        answer: wasmtime::Result<Result<T, wit::Error>>,
    ) -> Result<T, CallError> {
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(wit::Error::InvalidConfig(why))) => Err(CallError::InvalidConfig(why)),
            Ok(Err(wit::Error::Failed(why))) => Err(CallError::Failed(why)),
            Ok(Err(wit::Error::Retired(why))) => Err(CallError::Retired(why)),
            Err(error) => Err(CallError::Fault(fault(
                call,
                &error,
                &self.limits,
                &mut self.store,
            ))),
        }
    }

    /// Refuses a turn that is larger than the fleet file allows. The device lives
    /// on: nothing was broken, and the next turn may be smaller.
    fn bounded(&self, turn: wit::Turn) -> Result<wit::Turn, CallError> {
        let limits = &self.limits;
        if turn.messages.len() > limits.messages {
            return Err(CallError::Failed(format!(
                "returned {} messages in one turn, and {} are allowed (limits.messages); none was sent",
                turn.messages.len(),
                limits.messages
            )));
        }
        match turn
            .messages
            .iter()
            .find(|message| message.payload.len() > limits.message_size)
        {
            Some(message) => Err(CallError::Failed(format!(
                "returned a message of {} bytes, and {} are allowed (limits.message-size); nothing of this turn was sent",
                message.payload.len(),
                limits.message_size
            ))),
            None => Ok(turn),
        }
    }
}

fn retired() -> CallError {
    CallError::Retired("the device has retired".into())
}

fn fault(
    call: &'static str,
    error: &wasmtime::Error,
    limits: &Limits,
    store: &mut Store<Sandbox>,
) -> Fault {
    let sandbox = store.data();
    let refused = sandbox.growth.refused;
    Fault::new(call, error, limits, refused, sandbox.printer.last_words())
}
