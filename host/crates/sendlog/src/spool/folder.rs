//! Creates, locks and adopts the spool folder of a run.
//!
//! ```text
//! {spool}/{run}/lock              locked by the process that works on the run
//!               run.json          the data that completes the run without its fleet file
//!               0001-000002.seg   records of worker 1, generation 2
//!               carry-000002.seg  messages of generation 1 that were still open
//!               sends-000002-1.part
//!               000001.json       generation 1 is encoded; these files wait for upload
//! ```
//!
//! A generation is the segments between two rolls. They are freed once the generation is
//! encoded and its manifest is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use mockfleet_config::{KeepPayload, Store};

use crate::error::log_error::LogError;
use crate::error::spool_error::SpoolError;
use crate::error::store_error::StoreError;
use crate::format::identity::Identity;
use crate::format::location::location;
use crate::format::run_catalog::RunCatalog;
use crate::spool::files::write_atomically;

/// Version of the spool's format. It grows with each change of the format.
const SPOOL_VERSION: u32 = 3;

pub(crate) const LOCK: &str = "lock";
pub(crate) const HEADER: &str = "run.json";
/// The extension of a small file that is not finished.
const DRAFT: &str = "draft";

/// The folder beside the runs with copies of segments that could not be read.
pub(crate) const DAMAGED: &str = "damaged";

/// The data that completes a run without its fleet file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunHeader {
    version: u32,
    /// The store's name as messages show it.
    pub(crate) store: String,
    pub(crate) identity: Identity,
    pub(crate) catalog: RunCatalog,
    pub(crate) payload: KeepPayload,
}

impl RunHeader {
    pub(crate) fn new(
        store: &Store,
        identity: Identity,
        catalog: RunCatalog,
        payload: KeepPayload,
    ) -> Self {
        Self {
            version: SPOOL_VERSION,
            store: location(store),
            identity,
            catalog,
            payload,
        }
    }
}

/// One run's folder, locked. When dropped, the folder is removed if it holds no rows.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    /// The store's folder, if this run made it.
    store: Option<PathBuf>,
    _lock: File,
}

impl RunFolder {
    /// Creates the folder and proves that files can be written in it.
    ///
    /// # Errors
    /// The cause, if the folder or its files cannot be written.
    pub(crate) fn create(store: &Store, header: &RunHeader) -> Result<Self, LogError> {
        let made = match store {
            Store::Folder(folder) => (!folder.exists()).then(|| folder.clone()),
            Store::S3 { .. } => None,
        };
        let spool_root = spool_root(store);
        let path = spool_root.join(&header.identity.run);
        let create = || -> io::Result<Self> {
            fs::create_dir_all(&path)?;
            let lock = File::create(path.join(LOCK))?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            let folder = Self {
                path: path.clone(),
                store: made.clone(),
                _lock: lock,
            };
            folder.write_atomically(HEADER, &serde_json::to_vec_pretty(header)?)?;
            Ok(folder)
        };
        create().map_err(|source| LogError::Store {
            store: location(store),
            source: match source.kind() {
                ErrorKind::PermissionDenied => StoreError::SpoolDenied {
                    folder: spool_root,
                    source,
                },
                _ => StoreError::Spool {
                    folder: spool_root,
                    source,
                },
            },
        })
    }

    /// Takes over the folder of a process that has ended. Returns `None` if the process still
    /// works on it, or if there is nothing to take over.
    ///
    /// # Errors
    /// The cause, if the folder cannot be used.
    pub(crate) fn adopt(path: &Path) -> Result<Option<(Self, RunHeader)>, SpoolError> {
        let invalid = |source| SpoolError::Header {
            file: HEADER,
            source,
        };
        let lock = match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(io::Error::from(error).into()),
        }
        let folder = Self {
            path: path.to_owned(),
            store: None,
            _lock: lock,
        };
        folder.clear_drafts()?;
        let bytes = match fs::read(path.join(HEADER)) {
            Ok(bytes) => bytes,
            // The process ended before it had a single row.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(&bytes).map_err(invalid)?;
        if version != SPOOL_VERSION {
            return Err(SpoolError::Version {
                found: version,
                supported: SPOOL_VERSION,
            });
        }
        let header = serde_json::from_slice(&bytes).map_err(invalid)?;
        Ok(Some((folder, header)))
    }

    /// Deletes small files that a process did not finish. Their content is written again,
    /// maybe under another name.
    fn clear_drafts(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == DRAFT) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a small file that is either complete or absent.
    fn write_atomically(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_atomically(&self.path, name, bytes)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let left = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let known = |name: &std::ffi::OsStr| name == LOCK || name == HEADER;
        if left.into_iter().any(|entry| !known(&entry.file_name())) {
            return;
        }
        // Removes empty folders only. Folders with other content stay, which is no error.
        let _ = fs::remove_file(self.path.join(HEADER));
        let _ = fs::remove_file(self.path.join(LOCK));
        let _ = fs::remove_dir(&self.path);
        if let Some(spool_root) = self.path.parent() {
            let _ = fs::remove_dir(spool_root);
        }
        if let Some(store) = &self.store {
            let _ = fs::remove_dir(store);
        }
    }
}

/// Returns the folder with the spools of a store's runs. It is inside a local store, so that a
/// rename moves finished files into place. For a bucket, it is in the user's state folder.
pub(crate) fn spool_root(store: &Store) -> PathBuf {
    match store {
        Store::Folder(folder) => folder.join(".spool"),
        Store::S3 { .. } => state_folder().join("mockfleet/spool"),
    }
}

/// Returns the user's state folder (XDG Base Directory Specification).
fn state_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
}

/// Lists the folders of a store's runs, oldest first.
pub(crate) fn run_folders(store: &Store) -> Vec<PathBuf> {
    let entries = fs::read_dir(spool_root(store))
        .into_iter()
        .flatten()
        .flatten();
    let mut run_folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    run_folders.retain(|path| path.join(LOCK).is_file());
    run_folders.sort();
    run_folders
}
