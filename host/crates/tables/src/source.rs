//! Describes a source of rows: a file or a query.

use std::path::PathBuf;

use mockfleet_datafile::JsonForm;
use mockfleet_sendlog::{FloatColumn, LogFile, ParquetFile, ReadError};

use crate::{csv, json, postgres};

/// The source of a table's rows: a file or a query.
pub(crate) enum Source {
    Parquet(PathBuf),
    Log(LogFile),
    Csv(PathBuf, u8),
    Json(PathBuf, JsonForm),
    Query(Box<postgres::Query>),
}

impl Source {
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Parquet(path) | Self::Csv(path, _) | Self::Json(path, _) => {
                path.display().to_string()
            }
            Self::Log(file) => file.display_name.clone(),
            Self::Query(query) => query.shown(),
        }
    }

    /// Returns the columns that are floats. Texts have no such columns.
    pub(crate) fn float_columns(&self) -> Result<Vec<FloatColumn>, String> {
        let parquet = |opened: Result<ParquetFile, ReadError>| match opened {
            Ok(file) => Ok(file.float_columns()),
            Err(error) => Err(error.to_string()),
        };
        match self {
            Self::Parquet(path) => parquet(ParquetFile::open(path)),
            Self::Log(file) => parquet(file.open()),
            Self::Csv(..) | Self::Json(..) => Ok(Vec::new()),
            Self::Query(query) => query.float_columns().map_err(|(_, text)| text),
        }
    }

    /// Returns the columns, and the number of rows if the file has it.
    pub(crate) fn head(&self) -> Result<(Vec<String>, Option<u64>), String> {
        let parquet = |opened: Result<ParquetFile, ReadError>| match opened {
            Ok(file) => Ok((file.columns(), Some(file.rows()))),
            Err(error) => Err(error.to_string()),
        };
        match self {
            Self::Parquet(path) => parquet(ParquetFile::open(path)),
            Self::Log(file) => parquet(file.open()),
            Self::Csv(path, delimiter) => csv::head(path, *delimiter).map(|head| (head, None)),
            Self::Json(path, form) => json::head(path, *form).map(|head| (head, None)),
            Self::Query(query) => query
                .columns()
                .map(|head| (head, None))
                .map_err(|(_, text)| text),
        }
    }
}
