//! The Rust side of `wit/device.wit`, generated. Owns no behaviour. A second version of the
//! contract is a second `bindgen!` here, in a module named after it, whose types `cell` turns
//! into those of the newest; `contract` lists what is spoken.
#![allow(
    missing_docs,
    reason = "generated; the documentation is in wit/device.wit"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "plugin",
});
