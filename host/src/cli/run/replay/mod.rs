//! `mockfleet replay`: sends a recording again.

pub(crate) mod command;
mod recorded;
mod target;
