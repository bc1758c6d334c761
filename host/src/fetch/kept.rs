//! Fetched files on disk, by their SHA-256. Each is hashed again when it is used: whoever can
//! change one changes nothing but that it is fetched anew.

use std::path::PathBuf;

use bytes::Bytes;

use super::sha256;

/// `$XDG_CACHE_HOME/mockfleet/fetched`, or `~/.cache/mockfleet/fetched`.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    Some(base?.join("mockfleet").join("fetched"))
}

pub(super) fn get(digest: &str) -> Option<Bytes> {
    let path = folder()?.join(digest);
    let bytes = std::fs::read(&path).ok()?;
    if sha256(&bytes) != digest {
        let _ = std::fs::remove_file(path);
        return None;
    }
    Some(bytes.into())
}

/// Keeps what was fetched. Where that fails, it is fetched again another time.
pub(super) fn put(digest: &str, bytes: &[u8]) {
    let Some(folder) = folder() else {
        return;
    };
    let _ = std::fs::create_dir_all(&folder);
    // Written aside and renamed, so that a reader never sees half a file.
    let aside = folder.join(format!("{digest}.{}.part", std::process::id()));
    let written =
        std::fs::write(&aside, bytes).and_then(|()| std::fs::rename(&aside, folder.join(digest)));
    if written.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
}
