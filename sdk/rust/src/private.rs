//! Exports the types that the macros of the crate name.

pub use crate::contract::about::About;
pub use crate::contract::behaviour::Behaviour;
