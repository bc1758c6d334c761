//! Holds parts of the program that run inside a benchmark.

pub(crate) mod guests;
pub(crate) mod rows;
pub(crate) mod sendlog;
pub(crate) mod wire;
