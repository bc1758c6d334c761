//! Keeps records on the local disk until their Parquet files are in the store.

pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod segment;
pub(crate) mod spool_status;
