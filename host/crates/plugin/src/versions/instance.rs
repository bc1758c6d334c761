//! Calls an instance by its version of the contract.
//!
//! Arguments and results are those of the newest version.

use wasmtime::component::ResourceAny;
use wasmtime::{Result, Store};

use crate::guest::bindings::newest::{Description, DeviceSpec, Error, Event, Tick, Turn};
use crate::guest::bindings::{v0_1_0, v0_2_0};
use crate::guest::sandbox::Sandbox;
use crate::versions::v0_1_0::{converted, empty_turn};

/// An instance of a component. The outer error of each call is a trap.
pub(crate) enum Instance {
    V0_1_0(v0_1_0::Plugin),
    V0_2_0(v0_2_0::Plugin),
}

impl Instance {
    pub(crate) fn describe(&self, store: &mut Store<Sandbox>) -> Result<Description> {
        match self {
            Self::V0_1_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                behaviour.call_describe(store).map(Into::into)
            }
            Self::V0_2_0(plugin) => plugin.mockfleet_device_behaviour().call_describe(store),
        }
    }

    pub(crate) fn create(
        &self,
        store: &mut Store<Sandbox>,
        spec: &DeviceSpec,
    ) -> Result<std::result::Result<ResourceAny, Error>> {
        match self {
            Self::V0_1_0(plugin) => {
                let device = plugin.mockfleet_device_behaviour().device();
                let created = device.call_create(store, &spec.into())?;
                Ok(created.map_err(Into::into))
            }
            Self::V0_2_0(plugin) => {
                let device = plugin.mockfleet_device_behaviour().device();
                device.call_create(store, spec)
            }
        }
    }

    /// Calls `start`, which 0.1.0 does not have.
    pub(crate) fn start(
        &self,
        store: &mut Store<Sandbox>,
        device: ResourceAny,
        at: u64,
        first_tick: Option<u64>,
    ) -> Result<std::result::Result<Turn, Error>> {
        match self {
            Self::V0_1_0(_) => Ok(Ok(empty_turn())),
            Self::V0_2_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                behaviour.device().call_start(store, device, at, first_tick)
            }
        }
    }

    #[inline]
    pub(crate) fn tick(
        &self,
        store: &mut Store<Sandbox>,
        device: ResourceAny,
        tick: Tick,
    ) -> Result<std::result::Result<Turn, Error>> {
        match self {
            Self::V0_1_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                let turn = behaviour.device().call_tick(store, device, tick.into())?;
                Ok(converted(turn))
            }
            Self::V0_2_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                behaviour.device().call_tick(store, device, tick)
            }
        }
    }

    #[inline]
    pub(crate) fn handle(
        &self,
        store: &mut Store<Sandbox>,
        device: ResourceAny,
        at: u64,
        event: &Event,
    ) -> Result<std::result::Result<Turn, Error>> {
        match self {
            Self::V0_1_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                let device_calls = behaviour.device();
                let turn = device_calls.call_handle(store, device, at, &event.into())?;
                Ok(converted(turn))
            }
            Self::V0_2_0(plugin) => {
                let behaviour = plugin.mockfleet_device_behaviour();
                behaviour.device().call_handle(store, device, at, event)
            }
        }
    }
}
