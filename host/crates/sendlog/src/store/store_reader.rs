//! Lists, opens and deletes the files of a store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use mockfleet_config::Store;
use mockfleet_files::dir_handle::DirHandle;

use crate::error::log_error::LogError;
use crate::error::store_error::StoreError;
use crate::format::location::location;
use crate::format::schema::LogTable;
use crate::store::file_reader::FileReader;
use crate::store::s3::Bucket;

/// Files of a bucket that are read at the same time: each request waits for the network.
const CONCURRENT_REQUESTS: usize = 16;

/// A file below the folder of a table.
#[derive(Debug, Clone)]
pub(crate) struct ObjectMeta {
    pub(crate) table: LogTable,
    /// The path below the store's root, with slashes.
    pub(crate) key: String,
    /// Size of the file.
    pub(crate) size: u64,
    /// Set if the entry is neither file nor folder, or cannot be read.
    pub(crate) problem: Option<Arc<StoreError>>,
}

#[derive(Debug)]
enum Backend {
    Folder(PathBuf),
    Bucket(Arc<Bucket>),
}

/// Maximum size of a small file, 16 MiB: the metadata of a run has some kilobytes.
const MAX_SMALL_FILE: u64 = 16 << 20;

impl Backend {
    fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(match store {
            Store::Folder(folder) => match std::fs::metadata(folder) {
                Ok(found) if found.is_dir() => Self::Folder(folder.clone()),
                Ok(_) => return Err(StoreError::NotAFolder),
                Err(error) => return Err(StoreError::Folder(error)),
            },
            Store::S3 { bucket, prefix } => Self::Bucket(Arc::new(Bucket::open(bucket, prefix)?)),
        })
    }
}

/// The read side of a store.
#[derive(Debug)]
pub(crate) struct StoreReader {
    backend: Backend,
    location: String,
}

impl StoreReader {
    /// Finds the folder, or reads the settings of the bucket from the environment.
    ///
    /// # Errors
    /// The reason why the store cannot be read.
    pub(crate) fn open(store: &Store) -> Result<Self, LogError> {
        let location = location(store);
        match Backend::open(store) {
            Ok(backend) => Ok(Self { backend, location }),
            Err(error) => Err(unreadable(&location, error)),
        }
    }

    /// Returns a file's location as people write it.
    pub(crate) fn display_name(&self, key: &str) -> String {
        format!("{}/{key}", self.location)
    }

    /// Lists all files below the folder of a table, in the order of names.
    ///
    /// # Errors
    /// The refusal to list the bucket.
    pub(crate) fn files(&self, table: LogTable) -> Result<Vec<ObjectMeta>, LogError> {
        let mut found = match &self.backend {
            Backend::Folder(folder) => walk(folder, table),
            Backend::Bucket(bucket) => bucket
                .sizes(table.name())
                .map_err(|error| unreadable(&self.location, error))?
                .into_iter()
                .map(|(key, size)| ObjectMeta {
                    table,
                    key,
                    size,
                    problem: None,
                })
                .collect(),
        };
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Lists the files directly in a folder: keys and bytes, in the order of names.
    ///
    /// # Errors
    /// The refusal to list the bucket.
    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<(String, u64)>, LogError> {
        let mut files = match &self.backend {
            Backend::Folder(folder) => {
                let entries = std::fs::read_dir(folder.join(prefix));
                let entries = entries.into_iter().flatten().flatten();
                let entries = entries.filter_map(|entry| {
                    let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                    let name = entry.file_name();
                    let key = format!("{prefix}/{}", name.to_string_lossy());
                    Some((key, metadata.len()))
                });
                entries.collect()
            }
            Backend::Bucket(bucket) => bucket
                .sizes(prefix)
                .map_err(|error| unreadable(&self.location, error))?,
        };
        files.sort();
        Ok(files)
    }

    /// Returns whether a folder has any entry.
    ///
    /// # Errors
    /// The refusal to list the bucket.
    pub(crate) fn has_any(&self, folder: &str) -> Result<bool, LogError> {
        match &self.backend {
            Backend::Folder(store) => Ok(std::fs::read_dir(store.join(folder))
                .is_ok_and(|mut entries| entries.next().is_some())),
            Backend::Bucket(bucket) => bucket
                .has_any(folder)
                .map_err(|error| unreadable(&self.location, error)),
        }
    }

    /// Reads a small file completely, of which [`Self::list`] has the size.
    pub(crate) fn read_all(&self, key: &str, size: u64) -> Result<Bytes, StoreError> {
        if size > MAX_SMALL_FILE {
            return Err(StoreError::TooLarge {
                size,
                limit: MAX_SMALL_FILE,
            });
        }
        match &self.backend {
            Backend::Folder(folder) => {
                let (folder, name) = open_parent(folder, key)?;
                Ok(folder.read(name, MAX_SMALL_FILE)?.into())
            }
            Backend::Bucket(bucket) => bucket.read_object(key, size),
        }
    }

    /// Opens a file that is read in parts.
    pub(crate) fn open_file(&self, found: &ObjectMeta) -> std::io::Result<FileReader> {
        Ok(match &self.backend {
            Backend::Folder(folder) => {
                let (folder, name) = open_parent(folder, &found.key)?;
                FileReader::Local(folder.open_file(name)?)
            }
            Backend::Bucket(bucket) => FileReader::remote(bucket, &found.key, found.size),
        })
    }

    /// Deletes files. The results are in the order of the keys. In a folder, the folders of an
    /// hour and a day are deleted with their last file.
    pub(crate) fn delete(&self, keys: &[&str]) -> Vec<Result<(), StoreError>> {
        match &self.backend {
            Backend::Bucket(bucket) => bucket.delete(keys),
            Backend::Folder(folder) => keys.iter().map(|key| remove(folder, key)).collect(),
        }
    }

    /// Applies the same work to many files, several at a time. The results are in the order of
    /// the files.
    pub(crate) fn map_concurrently<T: Sync, R: Send>(
        &self,
        files: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let threads = match self.backend {
            Backend::Bucket(_) => CONCURRENT_REQUESTS,
            Backend::Folder(_) => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(Vec::with_capacity(files.len()));
        std::thread::scope(|scope| {
            for _ in 0..threads.min(files.len()) {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(number) else {
                            break;
                        };
                        let answer = work(file);
                        answers
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((number, answer));
                    }
                });
            }
        });
        let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        answers.sort_by_key(|(number, _)| *number);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// Returns the error of a store that cannot be opened or listed.
fn unreadable(location: &str, error: StoreError) -> LogError {
    LogError::Read {
        file: location.to_owned(),
        source: error.into(),
    }
}

/// Lists all files below the folder of a table. Links are not followed, because their targets
/// are not part of this store.
fn walk(store: &Path, table: LogTable) -> Vec<ObjectMeta> {
    let mut found = Vec::new();
    let mut folders = vec![table.name().to_owned()];
    if std::fs::symlink_metadata(store.join(table.name())).is_ok_and(|about| about.is_symlink()) {
        folders.clear();
        found.push(ObjectMeta {
            table,
            key: table.name().to_owned(),
            size: 0,
            problem: Some(Arc::new(StoreError::NotAFile)),
        });
    }
    while let Some(folder) = folders.pop() {
        let aside = |key: String, problem: StoreError| ObjectMeta {
            table,
            key,
            size: 0,
            problem: Some(Arc::new(problem)),
        };
        let entries = match std::fs::read_dir(store.join(&folder)) {
            Ok(entries) => entries,
            // A run may have created one table and not the other.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.push(aside(folder, error.into()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let key = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(key),
                Ok(about) if about.is_file() => found.push(ObjectMeta {
                    table,
                    key,
                    size: about.len(),
                    problem: None,
                }),
                Ok(_) => found.push(aside(key, StoreError::NotAFile)),
                Err(error) => found.push(aside(key, error.into())),
            }
        }
    }
    found
}

fn remove(store: &Path, key: &str) -> Result<(), StoreError> {
    let (folder, name) = open_parent(store, key)?;
    folder.remove_file(name)?;
    // Deletes the folder of the hour, then that of the day. A folder that is not empty is
    // kept, and that is no error.
    for folder in folder.path().ancestors().take(2) {
        if folder == store || std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Opens the folder of a file, and returns the name of the file in it. No link below the store
/// is followed.
fn open_parent<'a>(store: &Path, key: &'a str) -> std::io::Result<(DirHandle, &'a str)> {
    let mut folder = DirHandle::open(store)?;
    let mut rest = key;
    while let Some((name, below)) = rest.split_once('/') {
        folder = folder.open_folder(name)?;
        rest = below;
    }
    Ok((folder, rest))
}
