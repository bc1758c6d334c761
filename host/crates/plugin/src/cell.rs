//! Calls the devices in one instance of a plugin.
//!
//! Every call is bounded in time, memory and result. A call that exceeds time or memory
//! ends the cell.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::compile::plugin::Plugin;
use crate::guest::bindings::newest as wit;
use crate::guest::cpu_deadline;
use crate::guest::crash::{CallError, Crash};
use crate::guest::epoch::epochs_for;
use crate::guest::guest_output::{Console, GuestOutput};
use crate::guest::host_context::HostContext;
use crate::guest::limits::{Limits, MAX_HANDLES, MemoryLimiter};
use crate::guest::sandbox::Sandbox;
use crate::guest::turn_limits::{check_turn, cut_error};
use crate::versions::instance::Instance;

/// A reference to one device inside a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceHandle(u32);

/// One sandboxed instance of a plugin, holding any number of devices.
pub struct Cell {
    store: Store<Sandbox>,
    instance: Instance,
    devices: Vec<DeviceSlot>,
    limits: Limits,
    deadline: u64,
    /// The deadline of `create` in a group with data files.
    data_deadline: Duration,
}

/// The deadline of `create` in a group with data files: 1 GiB at 50 MB a second.
const DATA_READ_DEADLINE: Duration = Duration::from_secs(20);

/// The place of one device in a cell.
struct DeviceSlot {
    seed: u64,
    /// The number of calls; with the seed it determines the call's random numbers.
    calls: u64,
    /// `None` after the device has retired.
    device: Option<ResourceAny>,
}

impl Cell {
    /// Creates an instance without devices.
    ///
    /// # Errors
    /// When the plugin's start-up code traps, exceeds its deadline or its memory limit.
    pub fn new(
        plugin: &Plugin,
        limits: &Limits,
        host_context: &Arc<HostContext>,
        console: &Console,
    ) -> Result<Self, Crash> {
        let output = GuestOutput::new(Arc::clone(console), limits.log_lines, plugin.name());
        let memory_limiter = MemoryLimiter::new(limits.memory, plugin.host_memory());
        let sandbox = Sandbox::new(memory_limiter, output, Arc::clone(host_context));
        let mut store = Store::new(plugin.engine(), sandbox);
        store.limiter(|sandbox| &mut sandbox.memory_limiter);
        store.set_max_component_handles(MAX_HANDLES);
        // Results are copied out of the guest's memory, and a list may refer to the same
        // bytes many times.
        store.set_hostcall_fuel(limits.turn_size);
        if limits.cpu_deadline {
            cpu_deadline::enable(&mut store, limits.deadline);
        }
        let deadline = epochs_for(limits.deadline);
        store.set_epoch_deadline(deadline);
        match plugin.behaviour().instantiate(&mut store) {
            Ok(instance) => Ok(Self {
                store,
                instance,
                devices: Vec::new(),
                limits: limits.clone(),
                deadline,
                data_deadline: DATA_READ_DEADLINE.max(limits.deadline),
            }),
            Err(error) => Err(crash("start-up", &error, limits, &mut store)),
        }
    }

    /// Returns the memory of the cell in bytes: its linear memories, its tables, and what its
    /// instances take on the host. It never shrinks.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory_limiter.used
    }

    /// Sets the deadline of `create` in a group with data files to this time, if it is shorter and
    /// not below the deadline of other calls.
    pub fn limit_data_read(&mut self, deadline: Duration) {
        let deadline = deadline.max(self.limits.deadline);
        self.data_deadline = self.data_deadline.min(deadline);
    }

    /// Returns the behaviour's description of itself.
    ///
    /// # Errors
    /// When the call ends the cell.
    pub fn describe(&mut self) -> Result<wit::Description, Crash> {
        self.store.set_epoch_deadline(self.deadline);
        match self.instance.describe(&mut self.store) {
            Ok(description) => Ok(description),
            Err(error) => Err(crash("describe", &error, &self.limits, &mut self.store)),
        }
    }

    /// Creates a device.
    ///
    /// # Errors
    /// The behaviour's error, such as [`CallError::InvalidConfig`], or a crash.
    pub fn create(&mut self, spec: &wit::DeviceSpec) -> Result<DeviceHandle, CallError> {
        let handle = DeviceHandle(u32::try_from(self.devices.len()).unwrap_or(u32::MAX));
        self.devices.push(DeviceSlot {
            seed: spec.seed,
            calls: 0,
            device: None,
        });
        self.store.data().output.add_device(&spec.id);
        self.enter(handle, spec.born)?;
        let has_data = !self.store.data().host_context.data.is_empty();
        if has_data {
            // The first device of a cell reads the files for all of them.
            self.store
                .set_epoch_deadline(epochs_for(self.data_deadline));
        }
        let created = self.instance.create(&mut self.store, spec);
        let device = self.unwrap_result("create", created);
        let device = match device {
            Err(CallError::Crash(crash)) if has_data => {
                return Err(CallError::Crash(crash.with_deadline(self.data_deadline)));
            }
            device => device?,
        };
        if let Some(slot) = self.devices.last_mut() {
            slot.device = Some(device);
        }
        Ok(handle)
    }

    /// Starts a device, at `at` microseconds of the run's clock. `first_tick` is the time of
    /// its first tick on schedule.
    ///
    /// # Errors
    /// The behaviour's error, or a crash.
    pub fn start(
        &mut self,
        handle: DeviceHandle,
        at: u64,
        first_tick: Option<u64>,
    ) -> Result<wit::Turn, CallError> {
        let device = self.enter(handle, at)?.ok_or_else(retired_error)?;
        let turn = self.instance.start(&mut self.store, device, at, first_tick);
        self.unwrap_result("start", turn)
            .and_then(|turn| self.check_turn(turn))
    }

    /// Runs a tick of a device.
    ///
    /// # Errors
    /// The behaviour's error, or a crash.
    #[inline]
    pub fn tick(&mut self, handle: DeviceHandle, tick: wit::Tick) -> Result<wit::Turn, CallError> {
        let device = self.enter(handle, tick.at)?.ok_or_else(retired_error)?;
        let turn = self.instance.tick(&mut self.store, device, tick);
        self.unwrap_result("tick", turn)
            .and_then(|turn| self.check_turn(turn))
    }

    /// Passes an event to a device, at `at` microseconds of the run's clock.
    ///
    /// # Errors
    /// The behaviour's error, or a crash.
    #[inline]
    pub fn handle(
        &mut self,
        handle: DeviceHandle,
        at: u64,
        event: &wit::Event,
    ) -> Result<wit::Turn, CallError> {
        let device = self.enter(handle, at)?.ok_or_else(retired_error)?;
        let turn = self.instance.handle(&mut self.store, device, at, event);
        self.unwrap_result("handle", turn)
            .and_then(|turn| self.check_turn(turn))
    }

    /// Frees the state of a retired device in the guest.
    ///
    /// # Errors
    /// When the guest's destructor ends the cell.
    pub fn retire(&mut self, handle: DeviceHandle) -> Result<(), Crash> {
        let Some(device) = self.slot(handle).and_then(|slot| slot.device.take()) else {
            return Ok(());
        };
        self.store.set_epoch_deadline(self.deadline);
        device
            .resource_drop(&mut self.store)
            .map_err(|error| crash("drop", &error, &self.limits, &mut self.store))
    }

    fn slot(&mut self, handle: DeviceHandle) -> Option<&mut DeviceSlot> {
        self.devices.get_mut(usize::try_from(handle.0).ok()?)
    }

    /// Prepares the sandbox for a call of the device.
    #[inline]
    fn enter(&mut self, handle: DeviceHandle, now: u64) -> Result<Option<ResourceAny>, CallError> {
        self.store.set_epoch_deadline(self.deadline);
        let index = usize::try_from(handle.0).unwrap_or(usize::MAX);
        let slot = self.devices.get_mut(index).ok_or_else(retired_error)?;
        let sandbox = self.store.data_mut();
        sandbox.enter(handle.0, slot.seed, slot.calls, now);
        slot.calls += 1;
        Ok(slot.device)
    }

    /// Converts the result of a guest call.
    #[inline]
    fn unwrap_result<T>(
        &mut self,
        call: &'static str,
        answer: wasmtime::Result<Result<T, wit::Error>>,
    ) -> Result<T, CallError> {
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(wit::Error::InvalidConfig(why))) => {
                Err(CallError::InvalidConfig(cut_error(why)))
            }
            Ok(Err(wit::Error::Failed(why))) => Err(CallError::Failed(cut_error(why))),
            Ok(Err(wit::Error::Retired(why))) => Err(CallError::Retired(cut_error(why))),
            Err(error) => Err(CallError::Crash(crash(
                call,
                &error,
                &self.limits,
                &mut self.store,
            ))),
        }
    }

    /// Refuses a turn that is larger than its limits. The device continues: its next turn may be
    /// smaller.
    #[inline]
    fn check_turn(&self, turn: wit::Turn) -> Result<wit::Turn, CallError> {
        match check_turn(&turn, &self.limits) {
            Ok(()) => Ok(turn),
            Err(why) => Err(CallError::Failed(why)),
        }
    }
}

fn retired_error() -> CallError {
    CallError::Retired("the device has retired".into())
}

/// Describes a call that ended the cell.
fn crash(
    call: &'static str,
    error: &wasmtime::Error,
    limits: &Limits,
    store: &mut Store<Sandbox>,
) -> Crash {
    let sandbox = store.data();
    let refused = sandbox.memory_limiter.refused;
    let crash = Crash::new(call, error, limits, refused, sandbox.output.stderr_tail());
    tracing::debug!(call, cause = %crash, "cell crashed");
    crash
}
