//! Measures calls of devices, without a backend.

pub(crate) mod day;
pub(crate) mod scenario;
pub(crate) mod start;
pub(crate) mod tick;
