//! Records which Parquet files an encoded generation has.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::format::schema::LogTable;
use crate::spool::files::manifest_name;
use crate::spool::files::write_atomically;

/// A Parquet file that is complete and on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedFile {
    /// Its name in the spool.
    pub(crate) part: String,
    /// Its path below the store's root, with slashes.
    pub(crate) key: String,
    /// Its table.
    pub(crate) table: LogTable,
    /// Number of its rows.
    pub(crate) rows: u64,
}

/// The complete files of a generation. From here on, its rows are in these files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) generation: u64,
    pub(crate) files: Vec<FinishedFile>,
}

impl Manifest {
    pub(crate) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let name = manifest_name(self.generation);
        write_atomically(folder, &name, &serde_json::to_vec_pretty(self)?)
    }

    pub(crate) fn read(file: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(file)?)?)
    }
}
