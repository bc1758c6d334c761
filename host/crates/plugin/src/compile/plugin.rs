//! Holds a compiled plugin with its description.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::guest::bindings::newest::Description;
use crate::versions::behaviour::Behaviour;
use crate::versions::contract::Contract;

/// A compiled plugin, ready to be instantiated. Clones share it.
#[derive(Clone)]
pub struct Plugin(Arc<PluginParts>);

/// The parts of a plugin, as loading collects them.
#[derive(Clone)]
pub(crate) struct PluginParts {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) inputs: Option<String>,
    pub(crate) contract: Contract,
    pub(crate) behaviour: Behaviour,
    pub(crate) description: Description,
    pub(crate) memory: usize,
    pub(crate) host_memory: usize,
    pub(crate) compile_time: Option<Duration>,
}

impl Plugin {
    /// Makes a plugin of its parts.
    pub(crate) fn new(parts: PluginParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Returns the file that the plugin was read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Returns name and version, as messages show them.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the SHA-256 of the plugin's bytes, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Returns the SHA-256 of everything that the plugin was built from, in hex, if its build
    /// wrote it. Builds of one source have the same, whatever their bytes.
    #[must_use]
    pub fn inputs(&self) -> Option<&str> {
        self.0.inputs.as_deref()
    }

    /// Returns the version of the contract that the plugin implements.
    #[must_use]
    pub fn contract(&self) -> Contract {
        self.0.contract
    }

    /// Returns the behaviour's description of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Returns the memory of a cell without devices, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.memory
    }

    /// Returns the memory that the instances of a cell take on the host, in bytes. It is 0 for
    /// all but odd plugins.
    pub(crate) fn host_memory(&self) -> usize {
        self.0.host_memory
    }

    /// Returns the time that compiling took; `None` if the code was in the cache.
    #[must_use]
    pub fn compile_time(&self) -> Option<Duration> {
        self.0.compile_time
    }

    /// Returns the component with its imports resolved.
    pub(crate) fn behaviour(&self) -> &Behaviour {
        &self.0.behaviour
    }

    /// Returns the engine that compiled the plugin.
    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        self.0.behaviour.engine()
    }
}
