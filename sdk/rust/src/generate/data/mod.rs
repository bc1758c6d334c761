//! Reads the data files that specifications name.

#[cfg(feature = "files")]
pub(crate) mod exact_json;
#[cfg(feature = "files")]
pub(crate) mod file_cache;
#[cfg(feature = "files")]
pub(crate) mod file_errors;
pub(crate) mod file_source;
#[cfg(feature = "files")]
pub(crate) mod file_window;
#[cfg(feature = "files")]
pub(crate) mod format;
#[cfg(feature = "files")]
pub(crate) mod json_shape;
#[cfg(feature = "files")]
pub(crate) mod row_index;
#[cfg(feature = "files")]
pub(crate) mod row_reader;
#[cfg(feature = "files")]
pub(crate) mod table;
#[cfg(feature = "files")]
pub(crate) mod table_cache;
