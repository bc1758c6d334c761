//! `mockfleet try`: runs devices on a virtual clock, without broker or log.

pub(crate) mod arguments;
pub(crate) mod command;
mod costs;
mod devices;
mod events;
mod memory_probe;
mod option_parsing;
mod options;
mod output;
mod simulation;
mod watch;
