//! Generates the Rust side of each version of the contract.
//!
//! A version is a module with its own `bindgen!`. [`newest`] has the types that the host uses
//! inside: `versions` converts those of earlier versions, and `versions::contract` lists all.
#![allow(
    missing_docs,
    reason = "generated; the documentation is in the files of wit/"
)]

/// The bindings of `wit/0.1.0/device.wit`.
pub(crate) mod v0_1_0 {
    wasmtime::component::bindgen!({
        path: "wit/0.1.0",
        world: "plugin",
    });
}

/// The bindings of `wit/device.wit`.
pub(crate) mod v0_2_0 {
    wasmtime::component::bindgen!({
        path: "wit/device.wit",
        world: "plugin",
    });
}

pub(crate) use v0_2_0::mockfleet::device::types as newest;

/// Returns the description of a plugin that is not described yet.
pub(crate) fn empty_description() -> newest::Description {
    newest::Description {
        name: String::new(),
        version: String::new(),
        summary: String::new(),
        config_schema: None,
        channels: Vec::new(),
        statuses: Vec::new(),
        interests: newest::Interests::empty(),
    }
}
