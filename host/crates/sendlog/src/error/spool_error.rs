//! Describes why a folder of the spool cannot be completed or deleted.

use std::io;
use std::path::PathBuf;

use mockfleet_files::foreign_text::for_line;
use parquet::errors::ParquetError;

/// The reason why a folder of the spool cannot be completed or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The system cannot list, lock, read or write the folder.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file or a folder cannot be deleted.
    #[error("{}: {source}", .path.display())]
    Delete {
        /// The file or the folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The header of the run is no JSON object of the expected form.
    #[error("{file}: {source}")]
    Header {
        /// The name of the header.
        file: &'static str,
        /// The cause.
        source: serde_json::Error,
    },
    /// The folder has an entry that mockfleet does not write.
    #[error(
        "{} is not of mockfleet: {cause}; nothing of this folder was used or changed, and if it is not yours, delete it",
        for_line(.file)
    )]
    Foreign {
        /// The name of the entry.
        file: String,
        /// The difference to what mockfleet writes.
        cause: String,
    },
    /// Another version of mockfleet wrote the folder.
    #[error(
        "it has version {found} of the spool, and this mockfleet writes {supported}; finish it with the mockfleet that began it"
    )]
    Version {
        /// The version of the folder.
        found: u32,
        /// The version that this crate reads and writes.
        supported: u32,
    },
    /// The records cannot be encoded as rows.
    #[error(transparent)]
    Encode(#[from] ParquetError),
    /// The folder has rows that are not in the store, so it cannot be deleted.
    #[error("its rows are not in the store yet")]
    Unfinished,
}
