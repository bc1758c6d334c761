//! Builds the time series of a run from its rows, in one pass.

pub(crate) mod accumulator;
pub(crate) mod bucket;
pub(crate) mod model;
pub(crate) mod scan;
