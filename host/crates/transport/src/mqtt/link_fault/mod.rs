//! Applies injected link faults: cut, half-open and slow connections.

pub(crate) mod bandwidth;
pub(crate) mod effects;
pub(crate) mod state;
