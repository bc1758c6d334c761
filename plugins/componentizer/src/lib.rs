//! Makes components of core modules, and bindings in C.
//!
//! `mockfleet build` runs it in its sandbox for projects whose compiler makes a core module. It is
//! no plugin: it implements `wit/componentizer.wit`.

pub mod bindings;
pub mod component;
mod contract;
#[cfg(target_arch = "wasm32")]
mod exports;
