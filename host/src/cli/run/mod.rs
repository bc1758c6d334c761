//! Commands that run fleets, and commands that read their results.

pub(crate) mod backfill;
pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod demo;
pub(crate) mod estimate;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod verify;
