//! What one cell may use, and the part of it that wasmtime asks about: memory and
//! tables. Deadlines are the epoch's business (`engine`), output the console's.

use std::time::Duration;

/// What one cell may use, and what one turn may return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the cell, bytes.
    pub memory: usize,
    /// The longest that one call may take.
    pub deadline: Duration,
    /// Whether only the time counts for which a call has the processor. Where nobody waits
    /// for it, a machine that is busy with something else is no reason to stop it.
    pub only_busy: bool,
    /// Messages a turn.
    pub messages: usize,
    /// Bytes a message.
    pub message_size: usize,
    /// Lines a second that the cell may print.
    pub log_lines: u32,
}

impl Default for Limits {
    /// Enough for a few hundred devices of a compiled language; an interpreter
    /// wants 512 MiB of memory.
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_millis(100),
            only_busy: false,
            messages: 100,
            message_size: 1 << 20,
            log_lines: 10,
        }
    }
}

/// Room for function pointers. Compilers emit tables of a few thousand entries;
/// the entries cost 8 bytes each on the host.
const TABLE_ELEMENTS: usize = 1 << 20;

/// Watches the growth of one cell.
#[derive(Debug)]
pub(super) struct Growth {
    limit: usize,
    /// Bytes of all linear memories of the cell (components may have several).
    pub(super) used: usize,
    /// Set once the cell asked for more than it may have: what follows is the
    /// guest's reaction, and the fault's cause is this.
    pub(super) refused: bool,
}

impl Growth {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }
}

impl wasmtime::ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
