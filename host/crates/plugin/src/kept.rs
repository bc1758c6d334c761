//! What lies in the folder of compiled plugins: found, told apart from what others put there,
//! and deleted. Executes nothing of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::engine;
use mockfleet_files::cache_dir::{self, is_hex, user_cache_dir};

/// A compiled plugin on disk.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Name and version, if the plugin came to say them.
    pub name: Option<String>,
    /// The SHA-256 of the component, in hex.
    pub digest: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last made or used.
    pub used: SystemTime,
    /// Compiled by another version of mockfleet, or for another processor: this one never
    /// uses it.
    pub stale: bool,
    file: PathBuf,
}

impl Compiled {
    /// Deletes it.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn delete(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.file)?;
        // Without its code a name is nothing.
        let _ = std::fs::remove_file(label(&self.file));
        Ok(())
    }
}

/// All compiled plugins of the user, those last used first.
#[must_use]
pub fn compiled() -> Vec<Compiled> {
    let current = engine::identities();
    let mut all = user_cache_dir()
        .map(|folder| within(&folder, &current))
        .unwrap_or_default();
    all.sort_by(|a, b| b.used.cmp(&a.used).then(a.file.cmp(&b.file)));
    all
}

/// What a killed process left half-written here, of more than an hour ago.
pub fn delete_halves() {
    if let Some(folder) = user_cache_dir() {
        cache_dir::delete_partial_files(&folder, is_stem);
    }
}

/// The compiled plugins of a folder; whatever else is there is none of ours.
pub(super) fn within(folder: &Path, current: &[u64]) -> Vec<Compiled> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let compiled = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (digest, engine) = parts(name.strip_suffix(".cwasm")?)?;
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let file = entry.path();
        Some(Compiled {
            name: said(&file),
            digest: digest.to_owned(),
            bytes: about.len(),
            used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            stale: !current.contains(&engine),
            file,
        })
    };
    entries.filter_map(compiled).collect()
}

/// Deletes what is of another engine and was not used for so long, and what was never
/// finished.
pub(super) fn sweep(folder: &Path, engine: u64, unused: Duration) {
    for old in within(folder, &[engine]) {
        let idle = old.used.elapsed().unwrap_or_default();
        if old.stale && idle > unused {
            let _ = old.delete();
        }
    }
    cache_dir::delete_partial_files(folder, is_stem);
}

fn is_stem(text: &str) -> bool {
    parts(text).is_some()
}

/// Digest and engine of `DIGEST-ENGINE`.
fn parts(stem: &str) -> Option<(&str, u64)> {
    let (digest, engine) = stem.split_once('-')?;
    let ours = is_hex(digest, 64) && is_hex(engine, 16);
    ours.then(|| {
        u64::from_str_radix(engine, 16)
            .ok()
            .map(|engine| (digest, engine))
    })?
}

/// Where the name of a compiled plugin stands: beside it, since it is known only once the
/// code runs.
pub(super) fn label(file: &Path) -> PathBuf {
    file.with_extension("name")
}

/// The longest name that is shown.
const NAME: usize = 100;

fn said(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(label(file)).ok()?;
    let plain = text.trim().chars().filter(|c| !c.is_control());
    let name: String = plain.take(NAME).collect();
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
    fn a_sweep_takes_what_is_of_another_engine_and_long_unused_and_nothing_else() {
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
        sweep(folder.path(), 2, Duration::from_secs(30 * 86_400));
        assert!(stay.iter().all(|path| path.exists()));
        assert!(![old, label, half].iter().any(|path| path.exists()));
        let left = within(folder.path(), &[2]);
        let mut stale: Vec<bool> = left.iter().map(|entry| entry.stale).collect();
        stale.sort_unstable();
        assert_eq!(stale, [false, true]);
    }
}
