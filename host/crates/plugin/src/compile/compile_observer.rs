//! Reports the start and the end of compiling a plugin.

use std::sync::Arc;
use std::time::Duration;

/// A step of compiling a plugin that is not in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompileEvent<'a> {
    /// Compiling starts: the file, and its size in bytes.
    Started(&'a str, u64),
    /// Compiling ended: the file, and the time that it took.
    Finished(&'a str, Duration),
    /// The file is not a component.
    Failed,
    /// The cache is not used, for this reason.
    CacheRefused(&'a str),
}

/// Receives each step, on the thread that waits for the plugin.
pub type CompileObserver = Arc<dyn Fn(CompileEvent<'_>) + Send + Sync>;
