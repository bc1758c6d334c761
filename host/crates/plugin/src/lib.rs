//! Compiles plugins and calls the devices in them.
//!
//! Internal to mockfleet: the crate has no stable API. It is the only user of wasmtime.
//!
//! | room | content |
//! |---|---|
//! | `compile` | [`Engine`] compiles a [`Plugin`] or finds it in the cache, and checks its [`Contract`] |
//! | `instance` | a [`Cell`] is one sandboxed instance of a plugin with its devices |
//!
//! ```text
//! file -> Plugin::load(Engine) -> Cell::new(Plugin, Limits, HostContext) -> create, tick, handle
//! ```
//!
//! A call that fails returns a [`CallError`]. A call that ends the cell returns a [`Crash`].

mod compile;
mod instance;

pub use compile::bindings::mockfleet::device::types::{
    Description, DeviceSpec, Event, Interests, Link, Message, Outcome, Receipt, Tick, Turn,
};
pub use compile::cache_index::{CachedPlugin, cached_plugins, delete_partial_files};
pub use compile::compile_observer::{CompileEvent, CompileObserver};
pub use compile::contract::Contract;
pub use compile::engine::{Builtins, Engine};
pub use compile::load_error::LoadError;
pub use compile::plugin::Plugin;
pub use instance::cell::{Cell, DeviceHandle};
pub use instance::crash::{CallError, Crash, CrashCause};
pub use instance::guest_output::{Console, OutputLine, StdStream};
pub use instance::host_context::{HostContext, SharedBlobs};
pub use instance::limits::Limits;
