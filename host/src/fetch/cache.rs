//! Caches fetched files by their SHA-256.
//!
//! Each file is hashed again before its use, so that a changed file is fetched again.

use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;

use mockfleet_files::cache_dir::{self, is_hex, user_cache_dir};
use mockfleet_files::sha256;

/// Returns the folder `fetched` in the user's cache.
fn folder() -> Option<PathBuf> {
    Some(user_cache_dir()?.join("fetched"))
}

/// A fetched file on disk.
#[derive(Debug, Clone)]
pub(crate) struct CachedFile {
    /// SHA-256 of the content, in hex.
    pub digest: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the last fetch or use.
    pub used: SystemTime,
    file: PathBuf,
}

impl CachedFile {
    /// Deletes the file.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub(crate) fn delete(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.file)
    }
}

/// Returns the cached files, the last used first. Other files in the folder are ignored.
#[must_use]
pub(crate) fn fetched() -> Vec<CachedFile> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let kept = |entry: std::fs::DirEntry| {
        let digest = entry.file_name().into_string().ok()?;
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        is_hex(&digest, 64).then(|| CachedFile {
            digest,
            bytes: about.len(),
            used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            file: entry.path(),
        })
    };
    let mut all: Vec<CachedFile> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(kept)
        .collect();
    all.sort_by(|a, b| b.used.cmp(&a.used).then(a.digest.cmp(&b.digest)));
    all
}

/// Deletes partial files of killed processes that are older than an hour.
pub(crate) fn delete_partial_files() {
    if let Some(folder) = folder() {
        cache_dir::delete_partial_files(&folder, |name| is_hex(name, 64));
    }
}

pub(crate) fn get(digest: &str) -> Option<Bytes> {
    let path = folder()?.join(digest);
    let bytes = std::fs::read(&path).ok()?;
    if sha256::hex(&bytes) != digest {
        let _ = std::fs::remove_file(path);
        return None;
    }
    // The file's time is its last use. If the time cannot be set, it stays.
    let file = std::fs::File::options().write(true).open(&path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    Some(bytes.into())
}

/// Stores a fetched file. An error is ignored, since the file can be fetched again.
pub(crate) fn put(digest: &str, bytes: &[u8]) {
    let Some(folder) = folder() else {
        return;
    };
    let _ = std::fs::create_dir_all(&folder);
    delete_partial_files();
    // Written under another name and renamed, so that a reader never sees half a file.
    let aside = folder.join(format!("{digest}.{}.part", std::process::id()));
    let written =
        std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, folder.join(digest)));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
}
