//! Exports a behaviour as `mockfleet:device/behaviour`, in WebAssembly only.
#![allow(missing_docs, reason = "reached through `export!` only")]

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    unreachable_pub,
    reason = "generated"
)]
pub mod bindings;
mod convert;
mod exports;
#[cfg(feature = "pool")]
mod pool;
mod tick_result;

pub use exports::{Plugin, tick};
pub use tick_result::TickResult;
