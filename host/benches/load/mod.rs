//! Measures loads at the receiver: rate, schedule, memory.

pub(crate) mod http;
pub(crate) mod path;
pub(crate) mod scale;
pub(crate) mod schedule;
