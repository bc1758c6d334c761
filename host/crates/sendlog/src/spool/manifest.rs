//! Records which Parquet files an encoded generation has.

use std::io;

use mockfleet_files::dir_handle::DirHandle;
use serde::{Deserialize, Serialize};

use crate::error::spool_error::SpoolError;
use crate::format::file_name::LogKey;
use crate::format::identity::Identity;
use crate::spool::files::{PartName, SpoolFile, manifest_name, read_manifest};

/// A Parquet file that is complete and on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FinishedFile {
    /// Its name in the spool.
    pub(crate) part: PartName,
    /// Its path below the store's root.
    pub(crate) key: LogKey,
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
    pub(crate) fn write(&self, folder: &DirHandle) -> io::Result<()> {
        let name = manifest_name(self.generation);
        folder.write_atomically(&name, &serde_json::to_vec_pretty(self)?)
    }

    /// Reads the manifest in this file, and checks that its files are of this run.
    pub(crate) fn read(
        folder: &DirHandle,
        file: &SpoolFile,
        identity: &Identity,
    ) -> Result<Self, SpoolError> {
        let invalid = |cause: String| SpoolError::Foreign {
            file: file.name.clone(),
            cause,
        };
        let bytes = read_manifest(folder, &file.name)?;
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if manifest.generation != file.generation {
            return Err(invalid(format!(
                "it is of generation {}",
                manifest.generation
            )));
        }
        match manifest
            .files
            .iter()
            .find(|file| file.key.identity != *identity)
        {
            Some(other) => Err(invalid(format!(
                "{} is a file of another run",
                other.key.as_str()
            ))),
            None => Ok(manifest),
        }
    }
}
