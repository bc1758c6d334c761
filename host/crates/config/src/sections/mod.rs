//! Reads the tables of a fleet file into a plan.

pub(crate) mod address;
pub(crate) mod brought_in;
pub(crate) mod checks;
pub(crate) mod faults;
pub(crate) mod groups;
pub(crate) mod log;
pub(crate) mod schedule;
pub(crate) mod stages;
pub(crate) mod store;
pub(crate) mod targets;
pub(crate) mod top_level;
