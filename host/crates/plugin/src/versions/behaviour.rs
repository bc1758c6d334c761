//! Instantiates a component by its version of the contract.

use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::guest::bindings::{v0_1_0, v0_2_0};
use crate::guest::sandbox::Sandbox;
use crate::versions::contract::{Contract, Version};
use crate::versions::instance::Instance;

/// A component with its imports resolved.
#[derive(Clone)]
pub(crate) enum Behaviour {
    V0_1_0(v0_1_0::PluginPre<Sandbox>),
    V0_2_0(v0_2_0::PluginPre<Sandbox>),
}

impl Behaviour {
    /// Finds the exports of the contract.
    ///
    /// # Errors
    /// When an export is missing, or has other types.
    pub(crate) fn new(contract: Contract, pre: InstancePre<Sandbox>) -> wasmtime::Result<Self> {
        Ok(match contract.version() {
            Version::V0_1_0 => Self::V0_1_0(v0_1_0::PluginPre::new(pre)?),
            Version::V0_2_0 => Self::V0_2_0(v0_2_0::PluginPre::new(pre)?),
        })
    }

    /// Makes an instance.
    ///
    /// # Errors
    /// When its start-up code traps.
    pub(crate) fn instantiate(&self, store: &mut Store<Sandbox>) -> wasmtime::Result<Instance> {
        Ok(match self {
            Self::V0_1_0(pre) => Instance::V0_1_0(pre.instantiate(store)?),
            Self::V0_2_0(pre) => Instance::V0_2_0(pre.instantiate(store)?),
        })
    }

    /// Returns the engine that compiled the component.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        match self {
            Self::V0_1_0(pre) => pre.engine(),
            Self::V0_2_0(pre) => pre.engine(),
        }
    }
}
