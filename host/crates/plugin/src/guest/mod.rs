//! Surrounds guests: their imports, output, limits and crashes.

pub(crate) mod bindings;
pub(crate) mod cpu_deadline;
pub(crate) mod crash;
pub(crate) mod epoch;
pub(crate) mod guest_output;
pub(crate) mod host_context;
pub(crate) mod host_imports;
pub(crate) mod limits;
pub(crate) mod random;
pub(crate) mod sandbox;
pub(crate) mod turn_limits;
