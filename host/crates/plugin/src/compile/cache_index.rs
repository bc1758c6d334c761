//! Lists and deletes the files of the cache.
//!
//! It never executes them, and never touches other files in the folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mockfleet_files::cache_dir::{self, is_hex, user_cache_dir};

use crate::compile::engine_config;

/// A compiled plugin on disk.
#[derive(Debug, Clone)]
pub struct CachedPlugin {
    /// Name and version, if they are known.
    pub name: Option<String>,
    /// The SHA-256 of the component, in hex.
    pub digest: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// The time of its last use.
    pub used: SystemTime,
    /// Whether another version of mockfleet compiled it, or for another processor. This
    /// mockfleet never uses such a file.
    pub stale: bool,
    file: PathBuf,
}

impl CachedPlugin {
    /// Deletes the file and its name.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn delete(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.file)?;
        // A name without its code has no use.
        let _ = std::fs::remove_file(name_file(&self.file));
        Ok(())
    }
}

/// Returns all compiled plugins of the user, the last used first.
#[must_use]
pub fn cached_plugins() -> Vec<CachedPlugin> {
    let current = engine_config::identities();
    let mut all = user_cache_dir()
        .map(|folder| list_folder(&folder, &current))
        .unwrap_or_default();
    all.sort_by(|a, b| b.used.cmp(&a.used).then(a.file.cmp(&b.file)));
    all
}

/// Deletes files that a killed process left incomplete more than an hour ago.
pub fn delete_partial_files() {
    if let Some(folder) = user_cache_dir() {
        cache_dir::delete_partial_files(&folder, is_stem);
    }
}

/// Returns the compiled plugins of a folder, and ignores its other files.
pub(crate) fn list_folder(folder: &Path, current: &[u64]) -> Vec<CachedPlugin> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let compiled = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (digest, engine) = parts(name.strip_suffix(".cwasm")?)?;
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let file = entry.path();
        Some(CachedPlugin {
            name: read_name(&file),
            digest: digest.to_owned(),
            bytes: about.len(),
            used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            stale: !current.contains(&engine),
            file,
        })
    };
    entries.filter_map(compiled).collect()
}

/// Deletes files of other engines that were unused for this long, and incomplete files.
pub(crate) fn delete_unused(folder: &Path, engine: u64, unused: Duration) {
    for old in list_folder(folder, &[engine]) {
        let idle = old.used.elapsed().unwrap_or_default();
        if old.stale && idle > unused {
            let _ = old.delete();
        }
    }
    cache_dir::delete_partial_files(folder, is_stem);
}

/// Returns whether a text is the stem of a cached file.
fn is_stem(text: &str) -> bool {
    parts(text).is_some()
}

/// Splits `DIGEST-ENGINE` into digest and engine.
fn parts(stem: &str) -> Option<(&str, u64)> {
    let (digest, engine) = stem.split_once('-')?;
    let ours = is_hex(digest, 64) && is_hex(engine, 16);
    ours.then(|| {
        u64::from_str_radix(engine, 16)
            .ok()
            .map(|engine| (digest, engine))
    })?
}

/// Returns the file with the name of a compiled plugin. The name is stored separately,
/// because it is known only after the code has run.
pub(crate) fn name_file(file: &Path) -> PathBuf {
    file.with_extension("name")
}

/// The maximum length of a name, in characters: it is one line of a listing.
const MAX_NAME_CHARS: usize = 100;

/// Reads the name of a compiled plugin.
fn read_name(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(name_file(file)).ok()?;
    let plain = text.trim().chars().filter(|c| !c.is_control());
    let name: String = plain.take(MAX_NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, days: u64) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, "x").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let ago = SystemTime::now() - Duration::from_secs(days * 86_400);
        file.set_modified(ago).unwrap();
        path
    }

    #[test]
    fn only_unused_files_of_other_engines_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let digest = "0123456789abcdef".repeat(4);
        let named = |engine: u32, rest: &str| format!("{digest}-{engine:016x}.{rest}");
        let old = file(folder.path(), &named(1, "cwasm"), 31);
        let label = file(folder.path(), &named(1, "name"), 31);
        let half = file(folder.path(), &named(1, "77.part"), 31);
        let stay = [
            file(folder.path(), &named(2, "cwasm"), 31),
            file(folder.path(), &named(3, "cwasm"), 29),
            file(folder.path(), &named(2, "78.part"), 0),
            file(folder.path(), "notes.cwasm", 400),
            file(folder.path(), &named(1, "cwasm.txt"), 400),
            file(folder.path(), &named(1, "x.part"), 400),
        ];
        delete_unused(folder.path(), 2, Duration::from_secs(30 * 86_400));
        assert!(stay.iter().all(|path| path.exists()));
        assert!(![old, label, half].iter().any(|path| path.exists()));
        let left = list_folder(folder.path(), &[2]);
        let mut stale: Vec<bool> = left.iter().map(|entry| entry.stale).collect();
        stale.sort_unstable();
        assert_eq!(stale, [false, true]);
    }
}
