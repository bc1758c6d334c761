//! Deletes old files of a log.

pub(crate) mod prune;
pub(crate) mod retention;
