//! Reads `[[groups.faults]]`.

pub(crate) mod fault_conflicts;
pub(crate) mod kinds;
pub(crate) mod parameters;
pub(crate) mod read;
pub(crate) mod schedule;

#[cfg(test)]
pub(crate) mod tests;
