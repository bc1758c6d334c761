//! Runs the componentizer: makes components of core modules, bindings in C.
//!
//! It is a component of its own (`plugins/componentizer`), which runs in the sandbox of a plugin:
//! the module and the contract that it reads are foreign input.

use std::sync::Arc;
use std::time::Duration;

use mockfleet_files::sha256;
use wasmtime::Store;
use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Lower};

use crate::compile::engine::Engine;
use crate::guest::cpu_deadline;
use crate::guest::crash::innermost;
use crate::guest::epoch::epochs_for;
use crate::guest::guest_output::{Console, GuestOutput, OutputLine};
use crate::guest::limits::MemoryLimiter;
use crate::guest::sandbox::Sandbox;
use crate::load::load_error::LoadError;
use crate::load::plugin_loader::find_or_compile;

/// Its name in messages and in the cache.
const NAME: &str = "componentizer";

/// Processor time of one call. A module of 256 MiB takes some seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Memory of one call, 2 GiB: several times the largest module.
const MAX_MEMORY: usize = 2 << 30;

/// The size of a result, 512 MiB: more than that of the largest component.
const MAX_RESULT: usize = 512 << 20;

/// The lines that it prints a second; it prints only when it panics.
const LOG_LINES: u32 = 10;

/// The compiled componentizer.
pub struct Componentizer<'e> {
    engine: &'e Engine,
    component: Component,
}

impl<'e> Componentizer<'e> {
    /// Compiles the componentizer, or finds it in the cache.
    ///
    /// # Errors
    /// When the bytes are no component.
    pub fn load(engine: &'e Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        let digest = sha256::hex(bytes);
        let found = find_or_compile(engine, NAME, bytes, &digest)?;
        if found.compile_time.is_some() {
            engine.cache.name_file(&digest, NAME);
        }
        Ok(Self {
            engine,
            component: found.component,
        })
    }

    /// Returns the files with the bindings in C of the world `plugin` of a contract: names and
    /// contents.
    ///
    /// # Errors
    /// A sentence about the contract.
    pub fn c_bindings(&self, contract: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        self.call("c-bindings", (contract,))
    }

    /// Returns the component of a core module that implements the world `plugin` of a contract.
    ///
    /// # Errors
    /// A sentence about the contract or the module.
    pub fn componentize(&self, contract: &str, module: &[u8]) -> Result<Vec<u8>, String> {
        self.call("componentize", (contract, module))
    }

    /// Calls a function in an instance of its own.
    fn call<P, R>(&self, function: &str, parameters: P) -> Result<R, String>
    where
        P: ComponentNamedList + Lower,
        (Result<R, String>,): ComponentNamedList + Lift,
    {
        let (mut store, instance) = self.instance().map_err(|error| innermost(&error))?;
        let called = instance
            .get_typed_func::<P, (Result<R, String>,)>(&mut store, function)
            .and_then(|function| function.call(&mut store, parameters));
        match called {
            Ok((result,)) => result,
            Err(error) => {
                let told = store.data().output.stderr_tail().unwrap_or_default();
                let cause = innermost(&error);
                Err(format!("the {NAME} has failed: {cause} {told}")
                    .trim_end()
                    .to_owned())
            }
        }
    }

    fn instance(&self) -> wasmtime::Result<(Store<Sandbox>, Instance)> {
        let quiet: Console = Arc::new(|_: OutputLine<'_>| {});
        let output = GuestOutput::new(quiet, LOG_LINES, NAME);
        let limiter = MemoryLimiter::new(MAX_MEMORY, 0);
        let sandbox = Sandbox::new(limiter, output, Arc::default());
        let mut store = Store::new(&self.engine.wasmtime, sandbox);
        store.limiter(|sandbox| &mut sandbox.memory_limiter);
        store.set_hostcall_fuel(MAX_RESULT);
        cpu_deadline::enable(&mut store, DEADLINE);
        store.set_epoch_deadline(epochs_for(DEADLINE));
        let instance = self
            .engine
            .linker
            .instantiate(&mut store, &self.component)?;
        Ok((store, instance))
    }
}
