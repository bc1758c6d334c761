//! Records which Parquet files an encoded generation has.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::spool::files::manifest_name;
use crate::spool::files::write_atomically;

/// A file that is whole and on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedFile {
    /// Its name in the spool.
    pub(crate) part: String,
    /// Where it belongs, from the store's root, with slashes.
    pub(crate) key: String,
}

/// The files of a generation, whole and on the disk: from here on, they are its rows.
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
