//! Generates the Rust side of `wit/device.wit`.
//!
//! A second version of the contract is a second `bindgen!` here, in a module with its name.
//! `cell` converts its types to those of the newest version, and `contract` lists it.
#![allow(
    missing_docs,
    reason = "generated; the documentation is in wit/device.wit"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "plugin",
});
