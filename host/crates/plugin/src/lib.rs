//! Plugins: loading a component, and calling the devices in it. The only user of
//! wasmtime; knows nothing of schedules, networks and logs.
//!
//! [`Engine`] compiles (or finds in its cache) a [`Plugin`]; a [`Cell`] is one
//! sandboxed instance of it that holds devices; a call that goes wrong is a
//! [`CallError`], and one that takes the cell with it a [`Fault`].

mod bindings;
mod cache;
mod cell;
mod console;
mod contract;
mod engine;
mod fault;
mod kept;
mod limits;
mod load;
mod overtime;
mod sandbox;
mod surroundings;

pub use bindings::mockfleet::device::types::{
    Description, DeviceSpec, Event, Interests, Link, Message, Outcome, Receipt, Tick, Turn,
};
pub use cell::{Cell, Seat};
pub use console::{Console, Line, Stream};
pub use contract::Contract;
pub use engine::{Builtins, Compiling, Engine, Watch};
pub use fault::{CallError, Cause, Fault};
pub use kept::{Compiled, compiled, delete_halves};
pub use limits::Limits;
pub use load::{LoadError, Plugin};
pub use surroundings::{Left, Surroundings};
