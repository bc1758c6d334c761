//! Describes why a log cannot be opened, written, closed or read.

use std::io;
use std::path::PathBuf;

use mockfleet_files::foreign_text::shell_word;
use parquet::errors::ParquetError;

use crate::error::read_error::ReadError;
use crate::error::spool_error::SpoolError;
use crate::error::store_error::StoreError;

/// The reason why the log cannot be opened, written, closed or read.
///
/// The text of each error has the texts of its sources: print the error, not the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The store does not accept files.
    #[error("the store {store} cannot be written: {source}")]
    Store {
        /// The store, or the object in it.
        store: String,
        /// The cause and the way out.
        source: StoreError,
    },
    /// Finished files are not in the store.
    #[error(
        "files did not reach {store}: {source}; they lie in {}, and `mockfleet logs recover {}` brings them there",
        .spool.display(),
        shell_word(.store)
    )]
    NotUploaded {
        /// The store.
        store: String,
        /// The folder of the spool that has the files.
        spool: PathBuf,
        /// The error of the last try.
        source: Box<StoreError>,
    },
    /// Records are not in a Parquet file yet.
    #[error(
        "rows have not become Parquet: {source}; they lie in {}, and `mockfleet logs recover` finishes them",
        .spool.display()
    )]
    NotEncoded {
        /// The folder of the spool that has the records.
        spool: PathBuf,
        /// The cause.
        source: ParquetError,
    },
    /// A thread of the log ended in a panic.
    #[error(
        "the send log's own thread ended in a panic; please report it with the lines above, and try `mockfleet logs recover`"
    )]
    ThreadPanic,
    /// A store, or one of its files, cannot be read.
    #[error("{file} cannot be read: {source}")]
    Read {
        /// The store or the file.
        file: String,
        /// The cause.
        source: ReadError,
    },
    /// The spool of an ended process cannot be completed.
    #[error("the spool {} cannot be used: {source}", .folder.display())]
    Spool {
        /// The run's folder.
        folder: PathBuf,
        /// The cause and the way out.
        source: SpoolError,
    },
    /// The system refuses to create a thread.
    #[error("no thread for the send log: {0}")]
    Thread(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn errors_name_the_place_the_cause_and_the_way_out() {
        let spool = || PathBuf::from("logs/.spool/01M");
        let uploading = LogError::NotUploaded {
            store: "s3://b/p".into(),
            spool: spool(),
            source: Box::new(StoreError::NoCredentials),
        };
        assert_eq!(
            uploading.to_string(),
            format!(
                "files did not reach s3://b/p: {}; they lie in logs/.spool/01M, and `mockfleet logs recover s3://b/p` brings them there",
                StoreError::NoCredentials
            )
        );
        let encoding = LogError::NotEncoded {
            spool: spool(),
            source: ParquetError::General("no".into()),
        };
        assert_eq!(
            encoding.to_string(),
            "rows have not become Parquet: Parquet error: no; they lie in logs/.spool/01M, and `mockfleet logs recover` finishes them"
        );
        let reading = LogError::Read {
            file: "logs".into(),
            source: StoreError::NotAFolder.into(),
        };
        assert_eq!(
            reading.to_string(),
            "logs cannot be read: it is no folder; give the one that a log is in"
        );
        let recovering = LogError::Spool {
            folder: spool(),
            source: SpoolError::Version {
                found: 1,
                supported: 2,
            },
        };
        assert_eq!(
            recovering.to_string(),
            "the spool logs/.spool/01M cannot be used: it has version 1 of the spool, and this mockfleet writes 2; finish it with the mockfleet that began it"
        );
        for error in [uploading, encoding, reading, recovering] {
            let source = error.source().map(ToString::to_string);
            assert!(source.is_some_and(|source| error.to_string().contains(&source)));
        }
    }
}
