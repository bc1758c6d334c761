//! Compiles plugins and calls the devices in them.
//!
//! Internal to mockfleet: the crate has no stable API. It is the only user of wasmtime.
//!
//! | room | content |
//! |---|---|
//! | `load` | `Plugin::load` reads, compiles, checks and describes a [`Plugin`]; the [`Componentizer`] makes components of core modules |
//! | `cell` | a [`Cell`] is one sandboxed instance of a plugin with its devices |
//! | `compile` | [`Engine`] and the cache of compiled code |
//! | `versions` | the supported versions of the [`Contract`], behind the types of the newest |
//! | `guest` | the sandbox of a cell: imports, output, [`Limits`] and [`Crash`] |
//!
//! A room uses those below it only.
//!
//! ```text
//! file -> Plugin::load(Engine) -> Cell::new(Plugin, Limits, HostContext) -> create, start, tick, handle
//! ```
//!
//! A call that fails returns a [`CallError`]. A call that ends the cell returns a [`Crash`].

mod cell;
mod compile;
mod guest;
mod load;
mod versions;

pub use cell::{Cell, DeviceHandle};
pub use compile::cache_index::{CachedPlugin, cached_plugins, delete_partial_files};
pub use compile::compile_observer::{CompileEvent, CompileObserver};
pub use compile::engine::{Builtins, Engine};
pub use compile::plugin::Plugin;
pub use guest::bindings::newest::{
    Description, DeviceSpec, Event, Interests, Link, Message, Outcome, Receipt, Tick, Turn,
};
pub use guest::cpu_deadline::thread_cpu_time;
pub use guest::crash::{CallError, Crash, CrashCause};
pub use guest::guest_output::{Console, OutputLine, StdStream};
pub use guest::host_context::{HostContext, SharedBlobs};
pub use guest::limits::Limits;
pub use load::compile_component::compile_component;
pub use load::componentizer::Componentizer;
pub use load::load_error::LoadError;
pub use versions::contract::Contract;
