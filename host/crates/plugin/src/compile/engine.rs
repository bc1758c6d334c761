//! Owns the wasmtime engine of a process, its linker and cache.

use wasmtime::component::Linker;

use crate::compile::cache::Cache;
use crate::compile::compile_observer::{CompileEvent, CompileObserver};
use crate::compile::engine_config::{self, MemoryReservation};
use crate::guest::epoch;
use crate::guest::host_imports;
use crate::guest::sandbox::Sandbox;

/// Compiles plugins and bounds the time of their calls.
pub struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linker: Linker<Sandbox>,
    pub(crate) cache: Cache,
    observer: Option<CompileObserver>,
    builtins: Option<Builtins>,
}

/// Finds the component of a built-in plugin by its name, or returns a sentence with the
/// names that exist.
pub type Builtins = fn(&str) -> Result<&'static [u8], String>;

impl Engine {
    /// Starts the engine for a few cells.
    ///
    /// # Errors
    /// As [`Engine::for_cells`].
    pub fn new() -> wasmtime::Result<Self> {
        Self::for_cells(1)
    }

    /// Starts the engine for about `cells` cells.
    ///
    /// # Errors
    /// When wasmtime refuses its settings on this machine.
    pub fn for_cells(cells: u64) -> wasmtime::Result<Self> {
        let config = engine_config::config(MemoryReservation::for_cells(cells));
        let wasmtime = wasmtime::Engine::new(&config)?;
        let linker = host_imports::linker(&wasmtime)?;
        epoch::start_thread(&wasmtime)?;
        Ok(Self {
            cache: Cache::in_user_cache_dir(&wasmtime),
            wasmtime,
            linker,
            observer: None,
            builtins: None,
        })
    }

    /// Adds an observer of compilation.
    #[must_use]
    pub fn with_observer(mut self, observer: CompileObserver) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Adds the built-in plugins.
    #[must_use]
    pub fn with_builtins(mut self, builtins: Builtins) -> Self {
        self.builtins = Some(builtins);
        self
    }

    /// Returns the component of a built-in plugin.
    ///
    /// # Errors
    /// A sentence that lists the names that exist.
    pub fn builtin(&self, name: &str) -> Result<&'static [u8], String> {
        match self.builtins {
            Some(find) => find(name),
            None => Err(format!(
                "there are no built-in plugins here, and so no {name:?}"
            )),
        }
    }

    /// Reports a step of compiling to the observer.
    pub(crate) fn notify(&self, event: CompileEvent<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}
