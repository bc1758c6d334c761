//! Owns the wasmtime engine of a process, its linker and cache.

use std::path::PathBuf;

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
    pub(crate) reservation: MemoryReservation,
    /// The program that compiles components in a child process.
    pub(crate) compiler: Option<PathBuf>,
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
        let engine = Self::without_cache(MemoryReservation::for_cells(cells))?;
        Ok(Self {
            cache: Cache::in_user_cache_dir(&engine.wasmtime),
            ..engine
        })
    }

    /// Starts an engine for a few cells that reads and writes no cache.
    ///
    /// # Errors
    /// As [`Engine::for_cells`].
    pub fn uncached() -> wasmtime::Result<Self> {
        Self::without_cache(MemoryReservation::for_cells(1))
    }

    /// Starts an engine that reads and writes no cache.
    pub(crate) fn without_cache(reservation: MemoryReservation) -> wasmtime::Result<Self> {
        let wasmtime = wasmtime::Engine::new(&engine_config::config(reservation))?;
        let linker = host_imports::linker(&wasmtime)?;
        epoch::start_thread(&wasmtime)?;
        Ok(Self {
            cache: Cache::none(&wasmtime),
            wasmtime,
            linker,
            reservation,
            compiler: None,
            observer: None,
            builtins: None,
        })
    }

    /// Compiles components in child processes with limits of memory and time: a component of a
    /// few kilobytes can need any amount of both. The program is called as
    /// `PROGRAM compile-component RESERVATION`, and then calls [`crate::compile_component`].
    ///
    /// Without this, components are compiled in this process, without limits.
    #[must_use]
    pub fn with_compiler(mut self, program: PathBuf) -> Self {
        self.compiler = Some(program);
        self
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
