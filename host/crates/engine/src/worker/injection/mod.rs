//! Performs injected faults: delays messages, cuts and restores connections.

mod link_faults;
pub(crate) mod pending_action;
pub(crate) mod pending_faults;
