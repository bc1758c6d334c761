//! Describes why a log file or Parquet file cannot be read.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_schema::{ArrowError, DataType};
use parquet::errors::ParquetError;

use crate::error::store_error::StoreError;

/// The reason why a file of a log, or a Parquet file, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The store cannot be opened or listed, or its entry is no file.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The file cannot be opened.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The name of the file is not that of a Parquet file.
    #[error("it is no Parquet file")]
    NotParquet,
    /// The footer or the rows cannot be decoded.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// A batch of rows cannot be decoded.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// The Parquet library panicked over the file.
    #[error("it is broken, and its footer is not what it says")]
    DecoderPanic,
    /// Another program wrote the file.
    #[error("mockfleet did not write it: its footer names no run")]
    Foreign,
    /// The footer is not the one of the file's name.
    #[error("its name and its footer disagree: the footer is of run {run} on {host}")]
    OtherRun {
        /// The run of the footer.
        run: String,
        /// The host of the footer.
        host: String,
    },
    /// A column is missing or has another type.
    #[error("its column {column} is missing or has another type")]
    Column {
        /// The name of the column.
        column: String,
    },
    /// One of the columns of the table is missing or has another type.
    #[error("a column is missing or has another type")]
    Columns,
    /// A column of a log has a type that the log does not use.
    #[error("the column {column} has another type")]
    ColumnType {
        /// The name of the column.
        column: String,
    },
    /// The values of a column are lists, maps or structures.
    #[error(
        "its column {column:?} is a {data_type}, which is no single value; give a column of texts, bytes, numbers or timestamps"
    )]
    NestedColumn {
        /// The name of the column.
        column: String,
        /// The type of the column.
        data_type: DataType,
    },
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Runs the Parquet library and catches its panics. It panics over some broken files, and a
/// broken file must not end the work on the others.
///
/// # Errors
/// The error of `work`, or [`ReadError::DecoderPanic`].
pub(crate) fn catch_panic<T, E: Into<ReadError>>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(ReadError::DecoderPanic),
    }
}
