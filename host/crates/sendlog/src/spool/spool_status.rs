//! Reports the state of a store's spool folders, and deletes them.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use mockfleet_config::Store;
use mockfleet_files::dir_handle::DirHandle;

use crate::error::spool_error::SpoolError;
use crate::format::location::location;
use crate::spool::files::list_files;
use crate::spool::folder::DAMAGED;
use crate::spool::folder::HEADER;
use crate::spool::folder::LOCK;
use crate::spool::folder::RunHeader;
use crate::spool::folder::open_spool;
use crate::spool::folder::spool_entries;

/// The state of a folder in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolState {
    /// A process works on the run.
    UnderWay,
    /// The process has ended. `mockfleet logs recover` converts the records to rows.
    Unfinished,
    /// The process ended before it wrote a row.
    Empty,
    /// Copies of damaged segments. The readable part of them is in the store.
    Damaged,
}

impl SpoolState {
    /// The state in one or two words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Unfinished => "unfinished",
            Self::Empty => "empty",
            Self::Damaged => "damaged",
        }
    }

    /// Returns whether a folder in this state may be deleted when it is old.
    #[must_use]
    pub const fn can_delete(self) -> bool {
        match self {
            Self::Empty | Self::Damaged => true,
            Self::UnderWay | Self::Unfinished => false,
        }
    }
}

/// A folder in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolFolder {
    /// The run.
    pub run: String,
    /// The state of the folder.
    pub state: SpoolState,
    /// Number of files with rows.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Latest time at which the folder or one of its files was written.
    pub at: Timestamp,
    /// The path of the folder.
    pub folder: PathBuf,
}

/// Lists the spool folders of a store's runs, in the order of runs. The list is empty if the
/// spool cannot be read.
#[must_use]
pub fn spool_folders(store: &Store) -> Vec<SpoolFolder> {
    let Ok(Some(spool)) = open_spool(store) else {
        return Vec::new();
    };
    let mut left = Vec::new();
    for run in spool_entries(&spool).unwrap_or_default().runs {
        let folder = spool.open_folder(&run).ok();
        left.extend(folder.and_then(|folder| run_status(store, &folder, run)));
    }
    if let Ok(damaged) = spool.open_folder(DAMAGED) {
        for run in spool_entries(&damaged).unwrap_or_default().runs {
            let folder = damaged.open_folder(&run).ok();
            let folder = folder.filter(|folder| is_of(store, folder, &run));
            left.extend(folder.and_then(|folder| sized(&folder, run, SpoolState::Damaged)));
        }
    }
    left.sort_by(|a, b| (&a.run, a.state.as_str()).cmp(&(&b.run, b.state.as_str())));
    left
}

/// Lists the buckets that have rows in the spool of this machine, without duplicates.
#[must_use]
pub fn spooled_buckets() -> Vec<String> {
    let any = Store::S3 {
        bucket: String::new(),
        prefix: String::new(),
    };
    let Ok(Some(spool)) = open_spool(&any) else {
        return Vec::new();
    };
    let runs = spool_entries(&spool).unwrap_or_default().runs.into_iter();
    let headers = runs.filter_map(|run| {
        let folder = spool.open_folder(&run).ok()?;
        RunHeader::read(&folder, &run).ok()?
    });
    let mut stores: Vec<String> = headers.map(|header| header.store).collect();
    stores.sort();
    stores.dedup();
    stores
}

/// Returns the folder of a run with its state. A folder without a lock is one that a process
/// creates just now.
fn run_status(store: &Store, folder: &DirHandle, run: String) -> Option<SpoolFolder> {
    folder.size(LOCK).ok()?;
    let state = if is_locked(folder) {
        SpoolState::UnderWay
    } else if list_files(folder).ok()?.is_empty() {
        SpoolState::Empty
    } else {
        SpoolState::Unfinished
    };
    is_of(store, folder, &run).then(|| sized(folder, run, state))?
}

/// Returns whether a folder belongs to a store. The spools of all buckets share one folder,
/// and each header names its bucket. A local store has a spool of its own.
fn is_of(store: &Store, folder: &DirHandle, run: &str) -> bool {
    match store {
        Store::Folder(_) => true,
        Store::S3 { .. } => RunHeader::read(folder, run)
            .ok()
            .flatten()
            .is_some_and(|header| header.store == location(store)),
    }
}

fn is_locked(folder: &DirHandle) -> bool {
    let Ok(lock) = folder.open_file(LOCK) else {
        return false;
    };
    // Closing the file releases the lock at once.
    flock(&lock, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

fn sized(folder: &DirHandle, run: String, state: SpoolState) -> Option<SpoolFolder> {
    let about = |path: &Path| fs::symlink_metadata(path).ok();
    let written = |about: &fs::Metadata| Timestamp::try_from(about.modified().ok()?).ok();
    let path = folder.path().to_owned();
    let mut at = about(&path).and_then(|about| written(&about))?;
    let (mut files, mut bytes) = (0, 0);
    for file in list_files(folder).ok()? {
        files += 1;
        bytes += file.size;
        let about = about(&path.join(&file.name));
        at = about
            .and_then(|about| written(&about))
            .map_or(at, |of| of.max(at));
    }
    Some(SpoolFolder {
        run,
        state,
        files,
        bytes,
        at,
        folder: path,
    })
}

impl SpoolFolder {
    /// Deletes the folder if it may be deleted: its own files, and the folders that this
    /// empties.
    ///
    /// # Errors
    /// [`SpoolError::Unfinished`] if the folder may not be deleted, [`SpoolError::Io`] if it
    /// cannot be listed, and [`SpoolError::Delete`] if a file or a folder cannot be deleted.
    pub fn delete(&self) -> Result<(), SpoolError> {
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let parent = DirHandle::open(parent)?;
        let folder = parent.open_folder(&self.run)?;
        if !self.state.can_delete() || is_locked(&folder) {
            return Err(SpoolError::Unfinished);
        }
        let failed = |path: PathBuf| move |source| SpoolError::Delete { path, source };
        let mut names: Vec<String> = list_files(&folder)?
            .into_iter()
            .map(|file| file.name)
            .collect();
        let small = [HEADER, LOCK]
            .into_iter()
            .filter(|name| folder.size(name).is_ok());
        names.extend(small.map(str::to_owned));
        for name in names {
            let path = self.folder.join(&name);
            folder.remove_file(&name).map_err(failed(path))?;
        }
        let removed = parent.remove_folder(&self.run);
        removed.map_err(failed(self.folder.clone()))?;
        // The folder of all damaged segments and the spool itself are removed only when empty.
        for folder in self.folder.ancestors().skip(1).take(2) {
            let name = folder.file_name().unwrap_or_default();
            if name != DAMAGED && name != ".spool" {
                break;
            }
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::identity::Identity;
    use crate::format::run_catalog::RunCatalog;
    use crate::spool::files::segment_name;
    use crate::spool::folder::{RunFolder, RunHeader, spool_root};
    use crate::write::recovery::recover;
    use mockfleet_config::KeepPayload;

    fn spooled(store: &Store) -> (Identity, RunFolder) {
        let identity = Identity::new();
        let catalog = RunCatalog {
            fleet: "f".into(),
            groups: Vec::new(),
            routes: Vec::new(),
        };
        let header = RunHeader::new(store, identity.clone(), catalog, KeepPayload::Full);
        let folder = RunFolder::create(store, &header).unwrap();
        (identity, folder)
    }

    fn seen(store: &Store) -> Vec<(String, SpoolState, u64, u64)> {
        spool_folders(store)
            .into_iter()
            .map(|left| (left.run, left.state, left.files, left.bytes))
            .collect()
    }

    #[test]
    fn runs_are_told_by_what_is_left_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(folder.path().join("logs"));
        assert_eq!(spool_folders(&store), []);
        let (dead, run) = spooled(&store);
        fs::write(run.path().join(segment_name(0, 0)), b"torn").unwrap();
        drop(run);
        let (alive, run) = spooled(&store);
        let (empty, own) = spooled(&store);
        // Only a killed process leaves such a folder.
        let path = own.path().to_owned();
        drop(own);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(LOCK), b"").unwrap();
        let mut wanted = vec![
            (dead.run.clone(), SpoolState::Unfinished, 1, 4),
            (alive.run, SpoolState::UnderWay, 0, 0),
            (empty.run, SpoolState::Empty, 0, 0),
        ];
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(seen(&store), wanted);
        let left = spool_folders(&store);
        let gone = left.iter().filter(|left| left.delete().is_ok());
        let gone: Vec<SpoolState> = gone.map(|left| left.state).collect();
        assert_eq!(gone, [SpoolState::Empty]);
        drop(run);
        recover(&store).unwrap();
        let left = spool_folders(&store);
        let states: Vec<_> = left.iter().map(|left| (&left.run, left.state)).collect();
        assert_eq!(states, [(&dead.run, SpoolState::Damaged)]);
        left[0].delete().unwrap();
        assert!(!spool_root(&store).exists());
    }

    #[test]
    fn unfinished_spools_and_foreign_files_are_not_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(folder.path().join("logs"));
        let (_, run) = spooled(&store);
        fs::write(run.path().join(segment_name(0, 0)), b"torn").unwrap();
        assert!(spool_folders(&store)[0].delete().is_err());
        drop(run);
        assert!(spool_folders(&store)[0].delete().is_err());
        recover(&store).unwrap();
        let damaged = spool_folders(&store);
        let own = damaged[0].folder.join("notes.txt");
        fs::write(&own, b"mine").unwrap();
        assert!(damaged[0].delete().is_err());
        assert!(own.exists());
    }
}
