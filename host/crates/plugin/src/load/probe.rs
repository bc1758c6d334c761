//! Requests the description of a plugin in a cell of its own.

use std::sync::Arc;
use std::time::Duration;

use crate::cell::Cell;
use crate::compile::plugin::{Plugin, PluginParts};
use crate::guest::bindings::newest::{Description, Interests};
use crate::guest::crash::Crash;
use crate::guest::guest_output::Console;
use crate::guest::limits::Limits;

/// The deadline of start-up and `describe` when a plugin is loaded: an interpreter
/// starts once, and nothing else runs yet.
const DESCRIBE_DEADLINE: Duration = Duration::from_secs(5);

/// Returns the description of a plugin, and the memory of its cell in bytes.
///
/// # Errors
/// When start-up or `describe` ends the cell.
pub(crate) fn describe(
    plugin: &PluginParts,
    console: &Console,
) -> Result<(Description, usize), Crash> {
    let limits = Limits {
        deadline: DESCRIBE_DEADLINE,
        memory: 512 << 20,
        ..Limits::default()
    };
    let probe = Plugin::new(plugin.clone());
    let mut cell = Cell::new(&probe, &limits, &Arc::default(), console)?;
    let description = cell.describe()?;
    Ok((description, cell.memory()))
}

/// Returns the description of a plugin that is not described yet.
pub(crate) fn empty_description() -> Description {
    Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        config_schema: None,
        channels: Vec::new(),
        statuses: Vec::new(),
        interests: Interests::empty(),
    }
}
