//! The files of a log where they lie: found with their sizes, read in part, deleted.
//! Knows nothing of what is in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::LogError;
use super::note;
use super::s3::Bucket;
use super::schema::Table;
use mockfleet_config::Store;

/// What is fetched at once, where less is asked for: a footer with room to spare, or a
/// column of words of one row group. Every request costs the same, however small.
const WINDOW: u64 = 256 << 10;

/// Files of a bucket that are looked at at the same time: each waits for the network.
const REQUESTS: usize = 16;

/// A file below the folder of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) table: Table,
    /// From the store's root, with slashes.
    pub(super) key: String,
    /// Its bytes.
    pub(super) size: u64,
    /// Set when it is neither file nor folder, or cannot be looked at.
    pub(super) trouble: Option<String>,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Bucket(Arc<Bucket>),
}

/// A store that is looked at.
#[derive(Debug)]
pub(super) struct Shelf {
    place: Place,
    location: String,
}

impl Shelf {
    /// Finds the folder, or reads what the environment says about the bucket.
    ///
    /// # Errors
    /// Why the store cannot be looked at.
    pub(super) fn open(store: &Store) -> Result<Self, LogError> {
        let location = super::location(store);
        let place = match store {
            Store::Folder(folder) => {
                let why = match std::fs::metadata(folder) {
                    Ok(found) if found.is_dir() => None,
                    Ok(_) => Some("it is no folder; give the one that a log is in".to_owned()),
                    Err(error) => Some(format!(
                        "{error}; give the folder that a log is in, or s3://bucket/prefix"
                    )),
                };
                if let Some(why) = why {
                    return Err(LogError::Read {
                        file: location,
                        why,
                    });
                }
                Place::Folder(folder.clone())
            }
            Store::S3 { bucket, prefix } => match Bucket::open(bucket, prefix) {
                Ok(bucket) => Place::Bucket(Arc::new(bucket)),
                Err(why) => {
                    return Err(LogError::Read {
                        file: location,
                        why,
                    });
                }
            },
        };
        Ok(Self { place, location })
    }

    /// A file as people name it.
    pub(super) fn shown(&self, key: &str) -> String {
        format!("{}/{key}", self.location)
    }

    /// All that lies below the folder of a table, in the order of names.
    ///
    /// # Errors
    /// Why the bucket cannot be listed.
    pub(super) fn files(&self, table: Table) -> Result<Vec<Found>, LogError> {
        let mut found = match &self.place {
            Place::Folder(folder) => walk(folder, table),
            Place::Bucket(bucket) => bucket
                .sizes(table.name())
                .map_err(|why| LogError::Read {
                    file: self.location.clone(),
                    why,
                })?
                .into_iter()
                .map(|(key, size)| Found {
                    table,
                    key,
                    size,
                    trouble: None,
                })
                .collect(),
        };
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// What runs say of themselves: keys and bytes, in the order of names.
    ///
    /// # Errors
    /// Why the bucket cannot be listed.
    pub(super) fn notes(&self) -> Result<Vec<(String, u64)>, LogError> {
        let mut notes = match &self.place {
            Place::Folder(folder) => {
                let entries = std::fs::read_dir(folder.join(note::FOLDER));
                let entries = entries.into_iter().flatten().flatten();
                let entries = entries.filter_map(|entry| {
                    let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                    let name = entry.file_name();
                    Some((
                        format!("{}/{}", note::FOLDER, name.to_string_lossy()),
                        about.len(),
                    ))
                });
                entries.collect()
            }
            Place::Bucket(bucket) => bucket.sizes(note::FOLDER).map_err(|why| LogError::Read {
                file: self.location.clone(),
                why,
            })?,
        };
        notes.sort();
        Ok(notes)
    }

    /// A small file, all of it.
    pub(super) fn whole(&self, key: &str) -> Result<Bytes, String> {
        match &self.place {
            Place::Folder(folder) => std::fs::read(folder.join(key))
                .map(Bytes::from)
                .map_err(|error| error.to_string()),
            Place::Bucket(bucket) => bucket.whole(key),
        }
    }

    /// Opens a file to be read in part.
    pub(super) fn open_file(&self, found: &Found) -> std::io::Result<Source> {
        Ok(match &self.place {
            Place::Folder(folder) => Source::Local(File::open(folder.join(&found.key))?),
            Place::Bucket(bucket) => Source::Remote(Arc::new(Remote {
                bucket: Arc::clone(bucket),
                key: found.key.clone(),
                size: found.size,
                window: Mutex::new((0, Bytes::new())),
            })),
        })
    }

    /// Deletes files; the answers are in their order. In a folder, those of an hour and
    /// a day go with their last file.
    pub(super) fn delete(&self, keys: &[&str]) -> Vec<Result<(), String>> {
        match &self.place {
            Place::Bucket(bucket) => bucket.delete(keys),
            Place::Folder(folder) => keys.iter().map(|key| remove(folder, key)).collect(),
        }
    }

    /// Does the same with each of many files, several at a time; the answers are in the
    /// order of the files.
    pub(super) fn each<T: Sync, R: Send>(
        &self,
        files: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let threads = match self.place {
            Place::Bucket(_) => REQUESTS,
            Place::Folder(_) => std::thread::available_parallelism().map_or(1, usize::from),
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

/// All files below the folder of a table. Links are not followed: what they lead to is
/// not part of this store.
fn walk(store: &Path, table: Table) -> Vec<Found> {
    let mut found = Vec::new();
    let mut folders = vec![table.name().to_owned()];
    while let Some(folder) = folders.pop() {
        let aside = |key: String, trouble: String| Found {
            table,
            key,
            size: 0,
            trouble: Some(trouble),
        };
        let entries = match std::fs::read_dir(store.join(&folder)) {
            Ok(entries) => entries,
            // A run may have made the one table and not the other.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.push(aside(folder, error.to_string()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let key = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(key),
                Ok(about) if about.is_file() => found.push(Found {
                    table,
                    key,
                    size: about.len(),
                    trouble: None,
                }),
                Ok(_) => found.push(aside(key, "it is neither file nor folder".into())),
                Err(error) => found.push(aside(key, error.to_string())),
            }
        }
    }
    found
}

fn remove(store: &Path, key: &str) -> Result<(), String> {
    let file = store.join(key);
    std::fs::remove_file(&file).map_err(|error| error.to_string())?;
    // The hour's, then the day's; what is not empty stays, and that is no error.
    for folder in file.ancestors().skip(1).take(2) {
        if folder == store || std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// A file that is read in part.
#[derive(Debug)]
pub(super) enum Source {
    Local(File),
    Remote(Arc<Remote>),
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => file.len(),
            Self::Remote(remote) => remote.size,
        }
    }
}

impl ChunkReader for Source {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(match self {
            Self::Local(file) => Box::new(file.get_read(start)?),
            Self::Remote(remote) => Box::new(RemoteRead {
                remote: Arc::clone(remote),
                at: start,
            }),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::Local(file) => file.get_bytes(start, length),
            Self::Remote(remote) => Ok(remote.bytes(start, length)?),
        }
    }
}

/// An object of a bucket, of which the last piece that was fetched is kept.
#[derive(Debug)]
pub(super) struct Remote {
    bucket: Arc<Bucket>,
    key: String,
    size: u64,
    window: Mutex<(u64, Bytes)>,
}

impl Remote {
    fn bytes(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        let end = start.saturating_add(wanted);
        if end > self.size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |(from, bytes): &(u64, Bytes)| {
            let first = usize::try_from(start.checked_sub(*from)?).ok()?;
            let last = first.checked_add(length)?;
            (last <= bytes.len()).then(|| bytes.slice(first..last))
        };
        if let Some(bytes) = within(&window) {
            return Ok(bytes);
        }
        // Near the end, what comes before is what will be asked for next.
        let from = start.min(self.size.saturating_sub(WINDOW));
        let to = from.saturating_add(WINDOW).max(end).min(self.size);
        let fetched = self.bucket.part(&self.key, from..to);
        *window = (from, fetched.map_err(std::io::Error::other)?);
        within(&window).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

struct RemoteRead {
    remote: Arc<Remote>,
    at: u64,
}

impl Read for RemoteRead {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.remote.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = into.len().min(left);
        let bytes = self.remote.bytes(self.at, length)?;
        for (to, byte) in into.iter_mut().zip(&bytes) {
            *to = *byte;
        }
        self.at += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }
}
