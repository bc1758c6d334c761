//! Measures writing and reading of the send log.

pub(crate) mod backfill;
pub(crate) mod log;
pub(crate) mod recover;
pub(crate) mod report;
pub(crate) mod stages;
