//! Exports a behaviour as `mockfleet:device/behaviour`. Exists in WebAssembly only.
#![allow(missing_docs, reason = "reached through `export!` only")]

mod convert;
mod exports;
#[cfg(feature = "pool")]
mod pool;
mod tick_result;

pub use exports::{Plugin, tick};
pub use tick_result::TickResult;

#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "src/wit_export/device.wit",
        world: "plugin",
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        default_bindings_module: "mockfleet_sdk::wit_export::bindings",
        skip: ["[method]device.tick"],
    });
}
