//! Describes the location of a row, and the callbacks that receive rows.

use std::ops::ControlFlow;

use mockfleet_sendlog::TableValue;

/// The location of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The number of the file in its table.
    pub file: u32,
    /// The line of the row, or the number of the row from 1 in a file without lines.
    pub line: u64,
}

/// Receives a row: its location, and its cells in the requested order.
pub type RowCallback<'a> = dyn FnMut(Location, &[TableValue<'_>]) -> ControlFlow<()> + 'a;

/// Receives a line that cannot be read, and the reason.
pub(crate) type BadRowCallback<'a> = dyn FnMut(u64, String) -> ControlFlow<()> + 'a;
