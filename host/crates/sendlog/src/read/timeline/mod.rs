//! Builds the time series of a run in one pass.

pub(crate) mod accumulator;
pub(crate) mod bucket;
pub(crate) mod model;
pub(crate) mod scan;
