//! Bounds the memory of messages on their way.

pub(crate) mod backlog;
pub(crate) mod memory_budget;
