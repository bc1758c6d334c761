//! Describes why stores, spools, files and logs cannot be used.

pub(crate) mod log_error;
pub(crate) mod read_error;
pub(crate) mod spool_error;
pub(crate) mod store_error;
