//! The spool: one folder a run, where rows lie from the moment they count until their
//! Parquet file is in the store. Owns names, lock and header of that folder; must not
//! know what a record means.
//!
//! ```text
//! {spool}/{run}/lock              held by the process that works on it
//!               run.json          what is needed to finish the run without its fleet
//!               0001-000002.seg   records of worker 1, generation 2
//!               carry-000002.seg  messages of generation 1 that were still open
//!               sends-000002-1.part
//!               000001.json       generation 1 is encoded; these files are on their way
//! ```
//!
//! A generation is what lies between two rolls. Its segments are freed once it is
//! encoded and its manifest is on the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use serde::{Deserialize, Serialize};

use super::{Directory, Identity, LogError};
use mockfleet_config::{KeepPayload, Store};

/// Grows when the form of the spool changes.
const VERSION: u32 = 2;

pub(super) const LOCK: &str = "lock";
pub(super) const HEADER: &str = "run.json";
/// The ending of a small file that is not finished.
const DRAFT: &str = "draft";

/// Beside the runs: what could not be read of them.
pub(super) const DAMAGED: &str = "damaged";

/// What is needed to finish a run without its fleet file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    version: u32,
    /// The store, as people name it.
    pub(super) store: String,
    pub(super) identity: Identity,
    pub(super) directory: Directory,
    pub(super) payload: KeepPayload,
}

impl Header {
    pub(super) fn new(
        store: &Store,
        identity: Identity,
        directory: Directory,
        payload: KeepPayload,
    ) -> Self {
        Self {
            version: VERSION,
            store: super::location(store),
            identity,
            directory,
            payload,
        }
    }
}

/// One run's folder, locked. Dropped, it goes if nothing is left in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The store's folder, if this run made it.
    store: Option<PathBuf>,
    _lock: File,
}

impl Folder {
    /// Makes the folder and proves that files can be written in it.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn make(store: &Store, header: &Header) -> Result<Self, LogError> {
        let made = match store {
            Store::Folder(folder) => (!folder.exists()).then(|| folder.clone()),
            Store::S3 { .. } => None,
        };
        let base = base(store);
        let path = base.join(&header.identity.run);
        let make = || -> io::Result<Self> {
            fs::create_dir_all(&path)?;
            let lock = File::create(path.join(LOCK))?;
            flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
            let folder = Self {
                path: path.clone(),
                store: made.clone(),
                _lock: lock,
            };
            folder.put(HEADER, &serde_json::to_vec_pretty(header)?)?;
            Ok(folder)
        };
        make().map_err(|error| LogError::Store {
            store: super::location(store),
            why: match error.kind() {
                ErrorKind::PermissionDenied => format!(
                    "{} is not yours to write ({error}); choose another folder with --log",
                    base.display()
                ),
                _ => format!(
                    "{}: {error}; choose another folder with --log",
                    base.display()
                ),
            },
        })
    }

    /// Takes over the folder of a process that is gone. `None` when it is not, or when
    /// there is nothing to take over.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(super) fn adopt(path: &Path) -> Result<Option<(Self, Header)>, LogError> {
        let wrong = |why: String| LogError::Spool {
            folder: path.display().to_string(),
            why,
        };
        let lock = match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        }
        let folder = Self {
            path: path.to_owned(),
            store: None,
            _lock: lock,
        };
        folder
            .clear_drafts()
            .map_err(|error| wrong(error.to_string()))?;
        let bytes = match fs::read(path.join(HEADER)) {
            Ok(bytes) => bytes,
            // The process ended before it had a single row.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error.to_string())),
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("{HEADER}: {error}")))?;
        if version != VERSION {
            return Err(wrong(format!(
                "it has version {version} of the spool, and this mockfleet writes {VERSION}; finish it with the mockfleet that began it"
            )));
        }
        let header =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("{HEADER}: {error}")))?;
        Ok(Some((folder, header)))
    }

    /// Small files that a process did not finish are of no use to anybody, and what they
    /// were to say is said anew, maybe under another name.
    fn clear_drafts(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == DRAFT) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a small file that is either whole or not there.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        put(&self.path, name, bytes)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let left = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let known = |name: &std::ffi::OsStr| name == LOCK || name == HEADER;
        if left.into_iter().any(|entry| !known(&entry.file_name())) {
            return;
        }
        // Only what is empty goes; that something else is there is no error.
        let _ = fs::remove_file(self.path.join(HEADER));
        let _ = fs::remove_file(self.path.join(LOCK));
        let _ = fs::remove_dir(&self.path);
        if let Some(base) = self.path.parent() {
            let _ = fs::remove_dir(base);
        }
        if let Some(store) = &self.store {
            let _ = fs::remove_dir(store);
        }
    }
}

/// Where the spools of a store's runs are: beside a local store's files, so that a
/// rename puts them in their place; in the user's state folder for a bucket.
pub(super) fn base(store: &Store) -> PathBuf {
    match store {
        Store::Folder(folder) => folder.join(".spool"),
        Store::S3 { .. } => state_folder().join("mockfleet/spool"),
    }
}

/// Where programs keep what should outlive them (XDG Base Directory Specification).
fn state_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
}

/// The folders of a store's runs, oldest first.
pub(super) fn folders(store: &Store) -> Vec<PathBuf> {
    let entries = fs::read_dir(base(store)).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.retain(|path| path.join(LOCK).is_file());
    folders.sort();
    folders
}

/// Writes a small file that is either whole or not there, and outlives a loss of
/// power.
pub(super) fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.{DRAFT}"));
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&draft, folder.join(name))) {
        // A half is of no use to anybody; the room that it takes may be.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    sync_folder(folder)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The name of a worker's segment.
pub(super) fn segment(worker: u32, generation: u64) -> String {
    format!("{worker:04}-{generation:06}.seg")
}

/// The name of what a generation begins with.
pub(super) fn carry(generation: u64) -> String {
    format!("carry-{generation:06}.seg")
}

/// The name of a generation's manifest.
pub(super) fn manifest(generation: u64) -> String {
    format!("{generation:06}.json")
}

/// What a file of the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Carry,
    Segment,
    Manifest,
    Part,
}

/// The files of a run that are left, by generation; within one, what it begins with
/// comes first.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(u64, Kind, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((stem, ending)) = name.split_once('.') else {
            continue;
        };
        let numbers = |text: &str| text.parse::<u64>().ok();
        let found = match (ending, stem.split_once('-')) {
            ("seg", Some(("carry", generation))) => numbers(generation).map(|g| (g, Kind::Carry)),
            ("seg", Some((_, generation))) => numbers(generation).map(|g| (g, Kind::Segment)),
            ("json", None) => numbers(stem).map(|g| (g, Kind::Manifest)),
            ("part", _) => Some((0, Kind::Part)),
            _ => None,
        };
        if let Some((generation, kind)) = found {
            files.push((generation, kind, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Space is reserved in steps of this size, before it is used: a full disk is an
/// error of the reservation, at a moment when nothing is half-written.
const STEP: u64 = 1 << 20;

/// The file of a worker's segment.
#[derive(Debug)]
pub(super) struct SegmentFile {
    file: Arc<File>,
    written: u64,
    reserved: u64,
}

impl SegmentFile {
    /// Makes the file; `sync` keeps it safe from then on.
    pub(super) fn create(path: &Path, sync: &Sender<Arc<File>>) -> io::Result<Self> {
        let file = Arc::new(File::create(path)?);
        // Whoever syncs outlives all segments.
        let _ = sync.send(Arc::clone(&file));
        Ok(Self {
            file,
            written: 0,
            reserved: 0,
        })
    }

    /// Appends as many of these bytes as there is room for; from then on they outlive
    /// the process. Returns how many.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reserved <= self.written {
            match fallocate(&*self.file, FallocateFlags::KEEP_SIZE, self.written, STEP) {
                Ok(()) => self.reserved = self.written + STEP,
                // A file system without reservations: the write itself will say.
                Err(rustix::io::Errno::OPNOTSUPP) => self.reserved = u64::MAX,
                Err(error) => return Err(error.into()),
            }
        }
        let room = usize::try_from(self.reserved - self.written).unwrap_or(usize::MAX);
        let taken = (&*self.file).write(bytes.get(..room).unwrap_or(bytes))?;
        self.written += u64::try_from(taken).unwrap_or(0);
        Ok(taken)
    }
}

/// Makes the segments of a run safe from a loss of power, again and again, until
/// nobody can make new ones.
pub(super) fn keep_safe(folder: &Path, new: &Receiver<Arc<File>>, every: Duration) {
    let mut files = Vec::new();
    let mut fresh = false;
    let mut next = Instant::now() + every;
    loop {
        match new.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(file) => {
                files.push(Arc::downgrade(&file));
                fresh = true;
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // What fails here is reported by the next write, which tries again.
        if std::mem::take(&mut fresh) {
            let _ = sync_folder(folder);
        }
        files.retain(|file| match file.upgrade() {
            Some(file) => {
                let _ = file.sync_data();
                true
            }
            None => false,
        });
        next = Instant::now() + every;
    }
}

/// Where new segments are announced, and where they are heard of.
pub(super) fn announcements() -> (Sender<Arc<File>>, Receiver<Arc<File>>) {
    channel()
}
