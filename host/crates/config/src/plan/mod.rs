//! Holds the checked plan of a run.

pub(crate) mod checks;
pub(crate) mod clock;
pub(crate) mod fault;
pub(crate) mod fleet;
pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod stage;
pub(crate) mod target;
