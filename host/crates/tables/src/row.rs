//! Describes the location of a row, and the callbacks that receive rows.

use std::ops::ControlFlow;

use mockfleet_sendlog::Cell;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Which file of the table.
    pub file: u32,
    /// Its line, or its row from one where the file has no lines.
    pub line: u64,
}

/// Takes a row: where it stands, and its cells in the order that was asked for.
pub type RowCallback<'a> = dyn FnMut(Location, &[Cell<'_>]) -> ControlFlow<()> + 'a;

/// What a part is told of while it is read: the lines that are none.
pub(crate) type BadRowCallback<'a> = dyn FnMut(u64, String) -> ControlFlow<()> + 'a;
