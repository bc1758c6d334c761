//! Starts the program, brokers and loops as processes, and counts what they do.

pub(crate) mod broker;
pub(crate) mod child;
pub(crate) mod ours;
pub(crate) mod window;
