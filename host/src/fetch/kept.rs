//! Fetched files on disk, by their SHA-256. Each is hashed again when it is used: whoever can
//! change one changes nothing but that it is fetched anew.

use std::path::PathBuf;
use std::time::SystemTime;

use bytes::Bytes;

use mockfleet_files::cache_dir::{self, is_hex, user_cache_dir};
use mockfleet_files::sha256;

/// `fetched` in the user's cache.
fn folder() -> Option<PathBuf> {
    Some(user_cache_dir()?.join("fetched"))
}

/// A fetched file on disk.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The SHA-256 of its content, in hex.
    pub digest: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last fetched or used.
    pub used: SystemTime,
    file: PathBuf,
}

impl Kept {
    /// Deletes it.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn delete(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.file)
    }
}

/// All fetched files of the user, those last used first; whatever else lies there is none.
#[must_use]
pub fn fetched() -> Vec<Kept> {
    let entries = folder().and_then(|folder| std::fs::read_dir(folder).ok());
    let kept = |entry: std::fs::DirEntry| {
        let digest = entry.file_name().into_string().ok()?;
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        is_hex(&digest, 64).then(|| Kept {
            digest,
            bytes: about.len(),
            used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            file: entry.path(),
        })
    };
    let mut all: Vec<Kept> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(kept)
        .collect();
    all.sort_by(|a, b| b.used.cmp(&a.used).then(a.digest.cmp(&b.digest)));
    all
}

/// What a killed process left half-written here, of more than an hour ago.
pub fn delete_halves() {
    if let Some(folder) = folder() {
        cache_dir::delete_partial_files(&folder, |name| is_hex(name, 64));
    }
}

pub(super) fn get(digest: &str) -> Option<Bytes> {
    let path = folder()?.join(digest);
    let bytes = std::fs::read(&path).ok()?;
    if sha256::hex(&bytes) != digest {
        let _ = std::fs::remove_file(path);
        return None;
    }
    // Its time is when it was last used; where it cannot be set, it stays.
    let file = std::fs::File::options().write(true).open(&path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    Some(bytes.into())
}

/// Keeps what was fetched. Where that fails, it is fetched again another time.
pub(super) fn put(digest: &str, bytes: &[u8]) {
    let Some(folder) = folder() else {
        return;
    };
    let _ = std::fs::create_dir_all(&folder);
    delete_halves();
    // Written aside and renamed, so that a reader never sees half a file.
    let aside = folder.join(format!("{digest}.{}.part", std::process::id()));
    let written =
        std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, folder.join(digest)));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
}
