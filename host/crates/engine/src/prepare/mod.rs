//! Checks everything that can be checked before the first message is sent.

pub(crate) mod compatibility;
pub(crate) mod create_error;
pub(crate) mod data_files;
pub(crate) mod device_settings;
pub(crate) mod fd_limit;
pub(crate) mod groups;
pub(crate) mod log_directory;
pub(crate) mod memory_limit;
pub(crate) mod problem;
pub(crate) mod schema;
pub(crate) mod transport_spec;
