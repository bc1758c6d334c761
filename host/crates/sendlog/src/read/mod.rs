//! Reads Parquet files: rows, footers, counts and timelines.

pub(crate) mod digest;
pub(crate) mod footer;
pub(crate) mod log_files;
pub(crate) mod outcome_counts;
pub(crate) mod overlap;
pub(crate) mod parquet_rows;
pub(crate) mod row_sizes;
pub(crate) mod stats;
pub(crate) mod text_table;
pub(crate) mod timeline;
pub(crate) mod value;
