//! Defines the macros of plugins.

/// An [`About`] with the name, version and description of the calling crate's
/// `Cargo.toml`.
#[macro_export]
macro_rules! about {
    () => {
        $crate::private::About::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .summary(env!("CARGO_PKG_DESCRIPTION"))
    };
}

/// Makes the calling crate a plugin whose devices have this behaviour. Use it once a crate.
///
/// Compiled for another target than WebAssembly it only checks that the type is a
/// [`Behaviour`], so that `cargo test` works as usual.
#[macro_export]
macro_rules! export {
    ($behaviour:ty) => {
        #[cfg(target_arch = "wasm32")]
        type MockfleetPlugin = $crate::wit_export::Plugin<$behaviour>;
        #[cfg(target_arch = "wasm32")]
        $crate::wit_export::bindings::export_plugin!(MockfleetPlugin with_types_in $crate::wit_export::bindings);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[unsafe(export_name = "mockfleet:device/behaviour@0.2.0#[method]device.tick")]
            unsafe extern "C" fn tick(device: *const u8, at: u64, sequence: u64) -> *const $crate::wit_export::TickResult {
                // SAFETY: the host calls it by the rules of the contract.
                unsafe { $crate::wit_export::tick::<$behaviour>(device, at, sequence) }
            }
        };
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::private::About = <$behaviour as $crate::private::Behaviour>::about;
    };
}

/// Compiles the device of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
