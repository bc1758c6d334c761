//! Turns specifications into checked plans.

pub(crate) mod check;
pub(crate) mod generator;
pub(crate) mod scope;
