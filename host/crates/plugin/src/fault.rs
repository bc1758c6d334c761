//! What can go wrong in a call, in the words that a person reads. Knows causes, not
//! consequences: what restarts and when is the supervisor's business.

use std::fmt;
use std::time::Duration;

use super::limits::Limits;

/// A call that returned no turn.
#[derive(Debug, Clone, PartialEq)]
pub enum CallError {
    /// The device refused its settings; only `create` says so.
    InvalidConfig(String),
    /// This call failed; the device lives on.
    Failed(String),
    /// The device is done, for good.
    Retired(String),
    /// The cell is dead, and every device in it.
    Fault(Fault),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(why) | Self::Failed(why) | Self::Retired(why) => f.write_str(why),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

/// The end of a cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The function that was being called: `create`, `tick`, `handle`, `describe`.
    pub call: &'static str,
    /// Why it ended.
    pub cause: Cause,
    /// What the guest said on standard error in this call.
    pub last_words: Option<String>,
}

/// Why a cell ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// The call ran past its deadline.
    Deadline(Duration),
    /// The cell wanted more memory than it may have, in bytes.
    Memory(usize),
    /// The call returned more data than the cell has memory for, in bytes.
    Returned(usize),
    /// The guest ended itself with this exit status.
    Exit(i32),
    /// Any other trap, in wasmtime's words.
    Trap(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call;
        match &self.cause {
            Cause::Deadline(limit) => {
                write!(
                    f,
                    "{call} ran past {} ms and was stopped",
                    limit.as_millis()
                )?;
            }
            Cause::Memory(limit) => write!(
                f,
                "{call} wanted more than the {} MiB of memory a cell may have (limits.memory)",
                limit >> 20
            )?,
            Cause::Returned(limit) => write!(
                f,
                "{call} returned more than {} MiB, all that a cell of this size can hold",
                limit >> 20
            )?,
            Cause::Exit(status) => write!(f, "{call} ended the plugin with exit({status})")?,
            Cause::Trap(text) => write!(f, "{call} trapped: {text}")?,
        }
        match &self.last_words {
            Some(words) => write!(f, "; it said: {words}"),
            None => Ok(()),
        }
    }
}

impl Fault {
    /// Finds the cause in wasmtime's error and in what the cell did before.
    pub(super) fn new(
        call: &'static str,
        error: &wasmtime::Error,
        limits: &Limits,
        memory_refused: bool,
        last_words: Option<String>,
    ) -> Self {
        Self {
            call,
            cause: cause(error, limits, memory_refused),
            last_words,
        }
    }
}

fn cause(error: &wasmtime::Error, limits: &Limits, memory_refused: bool) -> Cause {
    if let Some(wasmtime::Trap::Interrupt) = error.downcast_ref() {
        return Cause::Deadline(limits.deadline);
    }
    if memory_refused {
        return Cause::Memory(limits.memory);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Cause::Exit(exit.0);
    }
    let text = innermost(error);
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return Cause::Returned(limits.memory);
    }
    Cause::Trap(text)
}

/// The last link of an error's chain, without wasmtime's prefix: the outer links
/// are backtraces.
pub(super) fn innermost(error: &wasmtime::Error) -> String {
    let text = error.root_cause().to_string();
    text.trim_start_matches("wasm trap: ").to_owned()
}
