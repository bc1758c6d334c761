//! Reads and writes files of a folder or of an S3-compatible bucket.

pub(crate) mod bounded_client;
pub(crate) mod file_reader;
pub(crate) mod run_metadata;
pub(crate) mod s3;
pub(crate) mod store_reader;
