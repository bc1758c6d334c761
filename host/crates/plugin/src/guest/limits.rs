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
    /// The maximum number of bytes that one call returns: payloads and texts, and about 100
    /// bytes for each message, 50 for each property. They are counted before they are copied.
    pub turn_size: usize,
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
            turn_size: 16 << 20,
            messages: 100,
            message_size: 1 << 20,
            log_lines: 10,
        }
    }
}

/// Bytes of a table's element on the host: a pointer.
const TABLE_ELEMENT_BYTES: usize = 8;

/// The maximum number of core instances in a cell, and of tables, and of memories. Components
/// of interpreters have some dozens.
const MAX_INSTANCES: usize = 1_000;

/// The maximum number of resource handles in a cell, of which each device has one. One costs
/// some dozen bytes on the host.
pub(crate) const MAX_HANDLES: usize = 1 << 17;

/// Enforces the memory limit of one cell.
#[derive(Debug)]
pub(crate) struct MemoryLimiter {
    limit: usize,
    /// Bytes of all linear memories and tables of the cell (components may have several), and
    /// of its instances on the host.
    pub(crate) used: usize,
    /// Whether the cell has requested more memory than its limit. It is then the cause of
    /// a crash, whatever error the guest reports afterwards.
    pub(crate) refused: bool,
}

impl MemoryLimiter {
    /// Limits a cell to `limit` bytes, of which its instances take `used` on the host.
    pub(crate) fn new(limit: usize, used: usize) -> Self {
        Self {
            limit,
            used,
            refused: false,
        }
    }

    /// Counts bytes, or refuses them.
    fn grow(&mut self, bytes: usize) -> bool {
        let used = self.used.saturating_add(bytes);
        if used > self.limit {
            self.refused = true;
            return false;
        }
        self.used = used;
        true
    }
}

impl wasmtime::ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current);
        Ok(self.grow(elements.saturating_mul(TABLE_ELEMENT_BYTES)))
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    #[test]
    fn memories_tables_and_instances_share_one_limit() {
        let mut limiter = MemoryLimiter::new(1_000, 100);
        assert!(limiter.memory_growing(0, 400, None).unwrap());
        assert!(limiter.table_growing(0, 50, None).unwrap());
        assert_eq!((limiter.used, limiter.refused), (900, false));
        assert!(!limiter.table_growing(50, 63, None).unwrap());
        assert_eq!((limiter.used, limiter.refused), (900, true));
        assert!(!limiter.table_growing(0, usize::MAX, None).unwrap());
    }
}
