//! Decides which messages, connections and clocks have a fault, and when.

pub(crate) mod group_faults;
pub(crate) mod payload;
pub(crate) mod windows;
