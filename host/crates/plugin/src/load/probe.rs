//! Requests the description of a plugin in a cell of its own.

use std::sync::Arc;
use std::time::Duration;

use crate::cell::Cell;
use crate::compile::plugin::{Plugin, PluginParts};
use crate::guest::bindings::newest::Description;
use crate::guest::crash::Crash;
use crate::guest::guest_output::Console;
use crate::guest::limits::Limits;

/// The deadline of start-up and `describe` when a plugin is loaded: an interpreter
/// starts once, and nothing else runs yet.
const DESCRIBE_DEADLINE: Duration = Duration::from_secs(5);

/// The memory of a cell when a plugin is loaded, 512 MiB: enough for an interpreter.
const PROBE_MEMORY: usize = 512 << 20;

/// Starts a plugin in a cell of its own.
///
/// # Errors
/// When start-up ends the cell.
pub(crate) fn cell(plugin: &PluginParts, console: &Console) -> Result<Cell, Crash> {
    let limits = Limits {
        deadline: DESCRIBE_DEADLINE,
        memory: PROBE_MEMORY,
        ..Limits::default()
    };
    Cell::new(
        &Plugin::new(plugin.clone()),
        &limits,
        &Arc::default(),
        console,
    )
}

/// Returns the description of a plugin, and the memory of its cell in bytes.
///
/// # Errors
/// When start-up or `describe` ends the cell.
pub(crate) fn describe(
    plugin: &PluginParts,
    console: &Console,
) -> Result<(Description, usize), Crash> {
    let mut cell = cell(plugin, console)?;
    let description = cell.describe()?;
    Ok((description, cell.memory()))
}
