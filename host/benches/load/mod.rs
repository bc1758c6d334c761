//! Measures loads at the receiver: rate, schedule, memory.

mod flat_out;
pub(crate) mod http;
pub(crate) mod path;
pub(crate) mod scale;
pub(crate) mod schedule;
