//! Creates the WebAssembly engine of a command.

use mockfleet_config::{Fleet, InvalidConfig};
use mockfleet_plugin::Engine;

use crate::cli::ui::compile_progress;

/// Creates an engine for a few devices.
pub(crate) fn engine() -> anyhow::Result<Engine> {
    runs(Engine::new())
}

/// Creates an engine for all cells of a fleet.
pub(crate) fn engine_for(fleet: &Result<Fleet, InvalidConfig>) -> anyhow::Result<Engine> {
    let fleet = match fleet {
        Ok(fleet) => Some(fleet),
        Err(refused) => refused.rest.as_deref(),
    };
    let cells = fleet.map_or(0, |fleet| fleet.plan.cells());
    runs(Engine::for_cells(cells))
}

fn runs<E: std::fmt::Display>(engine: Result<Engine, E>) -> anyhow::Result<Engine> {
    let builtins = |name: &str| mockfleet_builtin::find(name).map_err(|error| error.to_string());
    let program = std::env::current_exe().map_err(|error| {
        anyhow::anyhow!("this program is not found, which compiles plugins: {error}")
    })?;
    let engine = engine.map(|engine| {
        let engine = engine.with_builtins(builtins).with_compiler(program);
        engine.with_observer(compile_progress::observer())
    });
    engine.map_err(|error| anyhow::anyhow!("WebAssembly cannot run here: {error:#}; it needs a 64-bit system that lets a process map executable memory"))
}
