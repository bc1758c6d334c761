//! Compiles a component for the process that started this one.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use mockfleet_files::sha256;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wasmtime::component::Component;

use crate::compile::child::{self, CompileError, MAX_MEMORY, MAX_SECONDS};
use crate::compile::compiled::Compiled;
use crate::compile::engine::Engine;
use crate::compile::engine_config::MemoryReservation;
use crate::guest::crash::innermost;
use crate::guest::guest_output::{Console, OutputLine};
use crate::load::plugin_loader::assemble;
use crate::load::probe;

/// Host memory of a cell that is not counted, 4 MiB. Each plugin takes some, and the system
/// measures it in pages: a limit would differ from run to run.
const UNCOUNTED: u64 = 4 << 20;

/// The maximum host memory of a cell, 512 MiB.
const MAX_HOST_MEMORY: u64 = 512 << 20;

/// Compiles the component on standard input, and writes the code to standard output. A program
/// that is given to [`Engine::with_compiler`] calls this for the argument `compile-component`,
/// with the argument behind it.
#[must_use]
pub fn compile_component(reservation: &str) -> ExitCode {
    let result = match (limit_process(), MemoryReservation::from_name(reservation)) {
        (Ok(()), Some(reservation)) => read_and_compile(reservation),
        (Err(error), _) => Err(CompileError::NoCompiler(format!(
            "the limits of its process cannot be set: {error}"
        ))),
        (_, None) => Err(CompileError::NoCompiler(format!(
            "{reservation:?} is no reservation of memory"
        ))),
    };
    match child::answer(&result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Limits the memory and the processor time of this process, to less than before.
fn limit_process() -> rustix::io::Result<()> {
    for (resource, limit) in [(Resource::As, MAX_MEMORY), (Resource::Cpu, MAX_SECONDS)] {
        let before = getrlimit(resource);
        let lower = |bound: Option<u64>| Some(bound.map_or(limit, |bound| bound.min(limit)));
        setrlimit(
            resource,
            Rlimit {
                current: lower(before.current),
                maximum: before.maximum,
            },
        )?;
    }
    Ok(())
}

fn read_and_compile(reservation: MemoryReservation) -> Result<Compiled, CompileError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| CompileError::NoCompiler(error.to_string()))?;
    let engine = Engine::without_cache(reservation)
        .map_err(|error| CompileError::NoCompiler(format!("{error:#}")))?;
    let component = Component::from_binary(&engine.wasmtime, &bytes)
        .map_err(|error| CompileError::NoComponent(innermost(&error)))?;
    let code = component
        .serialize()
        .map_err(|error| CompileError::NoComponent(innermost(&error)))?;
    let host_memory = host_memory_of_cell(&engine, &bytes, component);
    if host_memory > MAX_HOST_MEMORY {
        return Err(CompileError::TooLarge(format!(
            "a cell of it takes {} MiB on the host beside its memory, and {} MiB are allowed",
            host_memory >> 20,
            MAX_HOST_MEMORY >> 20
        )));
    }
    Ok(Compiled { code, host_memory })
}

/// Starts the plugin once, and returns the memory that its instances take beside their linear
/// memory and tables. A plugin that does not start takes none: the host says why.
fn host_memory_of_cell(engine: &Engine, bytes: &[u8], component: Component) -> u64 {
    let plugin = assemble(engine, "a component", bytes, sha256::hex(bytes), component);
    let Ok(plugin) = plugin else {
        return 0;
    };
    let before = resident_bytes();
    let quiet: Console = Arc::new(|_: OutputLine<'_>| {});
    let Ok(cell) = probe::cell(&plugin, &quiet) else {
        return 0;
    };
    let grown = resident_bytes().saturating_sub(before);
    let counted = u64::try_from(cell.memory()).unwrap_or(u64::MAX);
    match grown.saturating_sub(counted) {
        ..UNCOUNTED => 0,
        more => more,
    }
}

/// Returns the resident memory of this process in bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4_096);
    pages.unwrap_or(0_u64).saturating_mul(page)
}
