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

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use mockfleet_files::dir_handle::{DRAFT, DirHandle, EntryKind};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use mockfleet_config::{KeepPayload, Store};

use crate::error::log_error::LogError;
use crate::error::spool_error::SpoolError;
use crate::error::store_error::StoreError;
use crate::format::identity::{Identity, is_run_id};
use crate::format::location::location;
use crate::format::run_catalog::RunCatalog;

/// Version of the spool's format. It grows with each change of the format.
const SPOOL_VERSION: u32 = 3;

pub(crate) const LOCK: &str = "lock";
pub(crate) const HEADER: &str = "run.json";
/// Maximum size of the header, 1 GiB: with the ids of ten million devices of a replay, it has a
/// quarter of that.
const MAX_HEADER_BYTES: u64 = 1 << 30;

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
    folder: Arc<DirHandle>,
    /// The folder that this one is in.
    spool: Arc<DirHandle>,
    run: String,
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
        let run = &header.identity.run;
        let create = || -> io::Result<Self> {
            let spool = Arc::new(create_spool(store)?);
            let folder = spool.create_folder(run)?;
            let lock = folder.create_file(LOCK)?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            let folder = Self {
                folder: Arc::new(folder),
                spool,
                run: run.clone(),
                store: made.clone(),
                _lock: lock,
            };
            let text = serde_json::to_vec_pretty(header)?;
            folder.folder.write_atomically(HEADER, &text)?;
            Ok(folder)
        };
        create().map_err(|source| LogError::Store {
            store: location(store),
            source: match source.kind() {
                ErrorKind::PermissionDenied => StoreError::SpoolDenied {
                    folder: spool_root(store),
                    source,
                },
                _ => StoreError::Spool {
                    folder: spool_root(store),
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
    pub(crate) fn adopt(
        spool: &Arc<DirHandle>,
        run: &str,
    ) -> Result<Option<(Self, RunHeader)>, SpoolError> {
        let folder = spool.open_folder(run)?;
        let lock = match folder.open_writable(LOCK) {
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
            folder: Arc::new(folder),
            spool: Arc::clone(spool),
            run: run.to_owned(),
            store: None,
            _lock: lock,
        };
        clear_drafts(&folder.folder)?;
        Ok(RunHeader::read(&folder.folder, run)?.map(|header| (folder, header)))
    }

    pub(crate) fn handle(&self) -> &Arc<DirHandle> {
        &self.folder
    }

    /// The folder of all runs.
    pub(crate) fn spool(&self) -> &DirHandle {
        &self.spool
    }

    #[cfg(any(test, fuzzing, feature = "corruption-model"))]
    pub(crate) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl RunHeader {
    /// Reads the header of a run. Returns `None` if its process ended before it had a row.
    ///
    /// # Errors
    /// The cause, if the header cannot be read, or is one of another run or version.
    pub(crate) fn read(folder: &DirHandle, run: &str) -> Result<Option<Self>, SpoolError> {
        let bytes = match folder.read(HEADER, MAX_HEADER_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let invalid = |source| SpoolError::Header {
            file: HEADER,
            source,
        };
        let Version { version } = serde_json::from_slice(&bytes).map_err(invalid)?;
        if version != SPOOL_VERSION {
            return Err(SpoolError::Version {
                found: version,
                supported: SPOOL_VERSION,
            });
        }
        let header: Self = serde_json::from_slice(&bytes).map_err(invalid)?;
        if header.identity.run != run {
            return Err(SpoolError::Foreign {
                file: HEADER.into(),
                cause: format!("it is of the run {}", header.identity.run),
            });
        }
        Ok(Some(header))
    }
}

/// Deletes small files that a process did not finish. Their content is written again, maybe
/// under another name.
fn clear_drafts(folder: &DirHandle) -> io::Result<()> {
    for entry in folder.entries()? {
        let is_draft = entry.name.ends_with(&format!(".{DRAFT}"));
        if is_draft && entry.kind == EntryKind::File {
            folder.remove_file(&entry.name)?;
        }
    }
    Ok(())
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let left = self.folder.entries().unwrap_or_default();
        let known = |name: &str| name == LOCK || name == HEADER;
        if left.iter().any(|entry| !known(&entry.name)) {
            return;
        }
        // Removes empty folders only. Folders with other content stay, which is no error.
        let _ = self.folder.remove_file(HEADER);
        let _ = self.folder.remove_file(LOCK);
        let _ = self.spool.remove_folder(&self.run);
        let _ = fs::remove_dir(self.spool.path());
        if let Some(store) = &self.store {
            let _ = fs::remove_dir(store);
        }
    }
}

/// Returns the folder with the spools of a store's runs. It is inside a local store, so that a
/// rename moves finished files into place. For a bucket, it is in the user's state folder.
pub(crate) fn spool_root(store: &Store) -> PathBuf {
    let (parent, name) = spool_place(store);
    parent.join(name)
}

fn spool_place(store: &Store) -> (PathBuf, &'static str) {
    match store {
        Store::Folder(folder) => (folder.clone(), ".spool"),
        Store::S3 { .. } => (state_folder().join("mockfleet"), "spool"),
    }
}

/// Creates the folder with the spools of a store's runs, unless it exists.
fn create_spool(store: &Store) -> io::Result<DirHandle> {
    let (parent, name) = spool_place(store);
    fs::create_dir_all(&parent)?;
    DirHandle::open(&parent)?.create_folder(name)
}

/// Opens the folder with the spools of a store's runs. Returns `None` if there is none.
///
/// # Errors
/// The cause, if it cannot be opened, or is a link.
pub(crate) fn open_spool(store: &Store) -> io::Result<Option<DirHandle>> {
    let (parent, name) = spool_place(store);
    match DirHandle::open(&parent).and_then(|parent| parent.open_folder(name)) {
        Ok(spool) => Ok(Some(spool)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
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

/// The entries of the folder of all runs.
#[derive(Debug, Default)]
pub(crate) struct SpoolEntries {
    /// The runs, oldest first.
    pub(crate) runs: Vec<String>,
    /// Links, pipes, sockets and devices, which mockfleet does not write.
    pub(crate) links: Vec<String>,
}

/// Lists the folder of all runs.
///
/// # Errors
/// The cause, if it cannot be listed.
pub(crate) fn spool_entries(spool: &DirHandle) -> io::Result<SpoolEntries> {
    let mut entries = SpoolEntries::default();
    for entry in spool.entries()? {
        match entry.kind {
            EntryKind::Folder if is_run_id(&entry.name) => entries.runs.push(entry.name),
            EntryKind::Folder | EntryKind::File => {}
            EntryKind::Other => entries.links.push(entry.name),
        }
    }
    Ok(entries)
}
