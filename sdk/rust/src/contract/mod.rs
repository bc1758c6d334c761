//! Defines the words of the contract between a behaviour and the host.

pub(crate) mod about;
pub(crate) mod behaviour;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod problem;
pub(crate) mod turn;
