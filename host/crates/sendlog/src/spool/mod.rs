//! Keeps records on disk until their Parquet files are stored.

pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod segment;
pub(crate) mod segment_reader;
pub(crate) mod spool_status;
