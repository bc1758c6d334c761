//! The Rust side of `wit/device.wit`, generated. Owns no behaviour.
#![allow(
    missing_docs,
    reason = "generated; the documentation is in wit/device.wit"
)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
});
