//! Describes failed calls and the ends of cells.

use std::fmt;
use std::time::Duration;

use crate::guest::limits::Limits;

/// A call that returned no turn.
#[derive(Debug, Clone, PartialEq)]
pub enum CallError {
    /// The device refused its settings; only `create` returns this.
    InvalidConfig(String),
    /// This call failed; the device lives on.
    Failed(String),
    /// The device has retired.
    Retired(String),
    /// The cell has ended, and every device in it.
    Crash(Crash),
}

impl std::error::Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(why) | Self::Failed(why) | Self::Retired(why) => f.write_str(why),
            Self::Crash(fault) => fault.fmt(f),
        }
    }
}

/// The end of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Crash {
    /// The function that was being called: `create`, `start`, `tick`, `handle`, `describe`.
    pub call: &'static str,
    /// The cause.
    pub cause: CrashCause,
    /// The guest's lines on standard error in this call.
    pub stderr_tail: Option<String>,
}

/// The cause of the end of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum CrashCause {
    /// The call ran past its deadline.
    Deadline(Duration),
    /// The cell requested more memory than its limit, in bytes.
    Memory(usize),
    /// The call returned more data than its limit, in bytes.
    Returned(usize),
    /// The guest ended itself with this exit status.
    Exit(i32),
    /// Any other trap, as wasmtime describes it.
    Trap(String),
}

impl std::error::Error for Crash {}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call;
        match &self.cause {
            CrashCause::Deadline(limit) => {
                write!(
                    f,
                    "{call} ran past {} ms and was stopped",
                    limit.as_millis()
                )?;
            }
            CrashCause::Memory(limit) => write!(
                f,
                "{call} wanted more than the {} MiB of memory a cell may have (limits.memory)",
                limit >> 20
            )?,
            CrashCause::Returned(limit) => write!(
                f,
                "{call} returned more than {} in one call (limits.turn-size)",
                size(*limit)
            )?,
            CrashCause::Exit(status) => write!(f, "{call} ended the plugin with exit({status})")?,
            CrashCause::Trap(text) => write!(f, "{call} trapped: {text}")?,
        }
        match &self.stderr_tail {
            Some(words) => write!(f, "; it said: {words}"),
            None => Ok(()),
        }
    }
}

impl Crash {
    /// Derives the cause from wasmtime's error and from the state of the cell.
    pub(crate) fn new(
        call: &'static str,
        error: &wasmtime::Error,
        limits: &Limits,
        memory_refused: bool,
        stderr_tail: Option<String>,
    ) -> Self {
        Self {
            call,
            cause: cause(error, limits, memory_refused),
            stderr_tail,
        }
    }
}

impl Crash {
    /// Sets the deadline that the call ran past, if that is the cause.
    pub(crate) fn with_deadline(mut self, deadline: Duration) -> Self {
        if let CrashCause::Deadline(limit) = &mut self.cause {
            *limit = deadline;
        }
        self
    }
}

/// Finds the cause of a crash.
fn cause(error: &wasmtime::Error, limits: &Limits, memory_refused: bool) -> CrashCause {
    if let Some(wasmtime::Trap::Interrupt) = error.downcast_ref() {
        return CrashCause::Deadline(limits.deadline);
    }
    if memory_refused {
        return CrashCause::Memory(limits.memory);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return CrashCause::Exit(exit.0);
    }
    let text = innermost(error);
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return CrashCause::Returned(limits.turn_size);
    }
    CrashCause::Trap(text)
}

/// Formats a limit in bytes.
fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        bytes if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// Returns the root cause of an error without wasmtime's prefix. The outer errors are
/// backtraces.
pub(crate) fn innermost(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.trim_start_matches("wasm trap: ").to_owned()
}
