//! What of a store's runs lies in the spool: rows under way, rows that a dead process
//! left behind, and bytes that could not be read. Sizes it, and deletes what holds no
//! row that could still become one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::spool::{self, DAMAGED, HEADER, Header, LOCK};
use mockfleet_config::Store;

/// What a folder of the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// A process works on it.
    UnderWay,
    /// Its process is gone; `mockfleet logs recover` makes rows of it.
    Unfinished,
    /// Its process ended before it had a row.
    Empty,
    /// Copies of segments that were damaged; what could be read of them is in the store.
    Damaged,
}

impl Left {
    /// In a word, or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnderWay => "under way",
            Self::Unfinished => "unfinished",
            Self::Empty => "empty",
            Self::Damaged => "damaged",
        }
    }

    /// Whether it may be deleted when it is old.
    #[must_use]
    pub const fn can_go(self) -> bool {
        match self {
            Self::Empty | Self::Damaged => true,
            Self::UnderWay | Self::Unfinished => false,
        }
    }
}

/// A folder of the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// The run.
    pub run: String,
    /// What of it this is.
    pub state: Left,
    /// Its files of rows.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When one of them was last written.
    pub at: Timestamp,
    /// Where they are.
    pub folder: PathBuf,
}

/// What of a store's runs is in the spool, in the order of runs. A spool that cannot be
/// looked at has nothing.
#[must_use]
pub fn left_behind(store: &Store) -> Vec<LeftBehind> {
    let mut left: Vec<LeftBehind> = spool::folders(store)
        .into_iter()
        .filter_map(|folder| run(store, folder))
        .collect();
    let damaged = fs::read_dir(spool::base(store).join(DAMAGED));
    let folders = damaged.into_iter().flatten().flatten();
    left.extend(
        folders
            .map(|entry| entry.path())
            .filter(|folder| is_of(store, folder))
            .filter_map(|folder| sized(folder, Left::Damaged)),
    );
    left.sort_by(|a, b| (&a.run, a.state.word()).cmp(&(&b.run, b.state.word())));
    left
}

/// The folder of a run.
fn run(store: &Store, folder: PathBuf) -> Option<LeftBehind> {
    let state = if is_locked(&folder) {
        Left::UnderWay
    } else if spool::files(&folder).ok()?.is_empty() {
        Left::Empty
    } else {
        Left::Unfinished
    };
    is_of(store, &folder).then(|| sized(folder, state))?
}

/// The spools of all buckets lie in one folder, each with its bucket's name; that of a
/// local store is its own.
fn is_of(store: &Store, folder: &Path) -> bool {
    match store {
        Store::Folder(_) => true,
        Store::S3 { .. } => fs::read(folder.join(HEADER))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Header>(&bytes).ok())
            .is_some_and(|header| header.store == super::location(store)),
    }
}

fn is_locked(folder: &Path) -> bool {
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return false;
    };
    // Let go of as soon as the file is closed.
    flock(&lock, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

fn sized(folder: PathBuf, state: Left) -> Option<LeftBehind> {
    let run = folder.file_name()?.to_str()?.to_owned();
    if !ulid::Ulid::from_string(&run).is_ok_and(|id| id.to_string() == run) {
        return None;
    }
    let about = |path: &Path| fs::metadata(path).ok();
    let written = |about: &fs::Metadata| Timestamp::try_from(about.modified().ok()?).ok();
    let mut at = about(&folder).and_then(|about| written(&about))?;
    let (mut files, mut bytes) = (0, 0);
    for (_, _, path) in spool::files(&folder).ok()? {
        if let Some(about) = about(&path) {
            files += 1;
            bytes += about.len();
            at = written(&about).map_or(at, |of| of.max(at));
        }
    }
    Some(LeftBehind {
        run,
        state,
        files,
        bytes,
        at,
        folder,
    })
}

impl LeftBehind {
    /// Deletes it, if it may go: its own files, and the folders that this empties.
    ///
    /// # Errors
    /// Which file could not be deleted, and why.
    pub fn delete(&self) -> Result<(), String> {
        if !self.state.can_go() || is_locked(&self.folder) {
            return Err("its rows are not in the store yet".into());
        }
        let remove = |path: &Path| {
            fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        for (_, _, path) in spool::files(&self.folder).map_err(|error| error.to_string())? {
            remove(&path)?;
        }
        for name in [HEADER, LOCK] {
            let path = self.folder.join(name);
            if path.exists() {
                remove(&path)?;
            }
        }
        fs::remove_dir(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))?;
        // The folder of all that is damaged, and the spool's own: only where nothing is
        // left in them.
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
    use super::super::{Directory, Identity, recover};
    use super::*;
    use mockfleet_config::KeepPayload;

    fn spooled(store: &Store) -> (Identity, spool::Folder) {
        let identity = Identity::new();
        let directory = Directory {
            fleet: "f".into(),
            groups: Vec::new(),
            routes: Vec::new(),
        };
        let header = spool::Header::new(store, identity.clone(), directory, KeepPayload::Full);
        let folder = spool::Folder::make(store, &header).unwrap();
        (identity, folder)
    }

    fn seen(store: &Store) -> Vec<(String, Left, u64, u64)> {
        left_behind(store)
            .into_iter()
            .map(|left| (left.run, left.state, left.files, left.bytes))
            .collect()
    }

    #[test]
    fn runs_are_told_by_what_is_left_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(folder.path().join("logs"));
        assert_eq!(left_behind(&store), []);
        let (dead, run) = spooled(&store);
        fs::write(run.path().join(spool::segment(0, 0)), b"torn").unwrap();
        drop(run);
        let (alive, run) = spooled(&store);
        let (empty, own) = spooled(&store);
        // Only a process that is killed leaves it.
        let path = own.path().to_owned();
        drop(own);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(LOCK), b"").unwrap();
        let mut wanted = vec![
            (dead.run.clone(), Left::Unfinished, 1, 4),
            (alive.run, Left::UnderWay, 0, 0),
            (empty.run, Left::Empty, 0, 0),
        ];
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(seen(&store), wanted);
        let left = left_behind(&store);
        let gone = left.iter().filter(|left| left.delete().is_ok());
        let gone: Vec<Left> = gone.map(|left| left.state).collect();
        assert_eq!(gone, [Left::Empty]);
        drop(run);
        recover(&store).unwrap();
        let left = left_behind(&store);
        let states: Vec<_> = left.iter().map(|left| (&left.run, left.state)).collect();
        assert_eq!(states, [(&dead.run, Left::Damaged)]);
        left[0].delete().unwrap();
        assert!(!spool::base(&store).exists());
    }

    #[test]
    fn what_is_not_finished_is_not_deleted_and_what_is_of_others_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(folder.path().join("logs"));
        let (_, run) = spooled(&store);
        fs::write(run.path().join(spool::segment(0, 0)), b"torn").unwrap();
        assert!(left_behind(&store)[0].delete().is_err());
        drop(run);
        assert!(left_behind(&store)[0].delete().is_err());
        recover(&store).unwrap();
        let damaged = left_behind(&store);
        let own = damaged[0].folder.join("notes.txt");
        fs::write(&own, b"mine").unwrap();
        assert!(damaged[0].delete().is_err());
        assert!(own.exists());
    }
}
