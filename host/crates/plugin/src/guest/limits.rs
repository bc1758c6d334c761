//! Limits the memory, time and results of one cell.
//!
//! [`MemoryLimiter`] enforces memory and tables. Deadlines are in `epoch` and
//! `cpu_deadline`, and the limit of printed lines is in `guest_output`.

use std::time::Duration;

/// The resources of one cell, and the size of one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the cell, bytes.
    pub memory: usize,
    /// The maximum time of one call.
    pub deadline: Duration,
    /// Whether only processor time counts towards the deadline. In virtual time, a busy
    /// machine is no reason to stop a call.
    pub cpu_deadline: bool,
    /// The maximum number of messages in a turn.
    pub messages: usize,
    /// The maximum size of a message, bytes.
    pub message_size: usize,
    /// The maximum number of lines that a cell prints a second.
    pub log_lines: u32,
}

impl Default for Limits {
    /// Returns limits for a few hundred devices of a compiled language. An interpreter
    /// needs 512 MiB of memory.
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_millis(100),
            cpu_deadline: false,
            messages: 100,
            message_size: 1 << 20,
            log_lines: 10,
        }
    }
}

/// The maximum number of function pointers in a table. Compilers emit a few thousand,
/// and one costs 8 bytes on the host.
const MAX_TABLE_ELEMENTS: usize = 1 << 20;

/// Enforces the memory limit of one cell.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: usize,
    /// Bytes of all linear memories of the cell (components may have several).
    pub(crate) used: usize,
    /// Whether the cell has requested more memory than its limit. It is then the cause of
    /// a crash, whatever error the guest reports afterwards.
    pub(crate) refused: bool,
}

impl MemoryLimiter {
    /// Limits a cell to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            refused: false,
        }
    }
}

impl wasmtime::ResourceLimiter for MemoryLimiter {
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
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
