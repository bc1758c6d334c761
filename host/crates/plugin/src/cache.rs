//! Compiled plugins on disk: found again by digest, wasmtime version and engine
//! settings, so that a second start takes milliseconds. Code from here is executed,
//! so a file is used only from a folder that nobody but the user can write, and only
//! when its checksum holds; otherwise the plugin is compiled anew.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::kept;
use mockfleet_files::cache_dir;

/// Identifies the layout below; changed when the layout changes.
const MAGIC: &[u8; 8] = b"mfcwasm1";
const HEADER: usize = MAGIC.len() + 32;

/// What another version of mockfleet compiled goes when it was not used for so long.
const UNUSED: Duration = Duration::from_secs(30 * 86_400);

/// The folder of compiled plugins, if there is one that can be trusted.
pub(super) struct Cache {
    folder: Option<PathBuf>,
    /// wasmtime's word on version and settings.
    engine: u64,
}

impl Cache {
    /// That of the user.
    pub(super) fn of_user(engine: &wasmtime::Engine) -> Self {
        Self::new(cache_dir::user_cache_dir(), engine)
    }

    fn new(folder: Option<PathBuf>, engine: &wasmtime::Engine) -> Self {
        Self {
            folder: folder.filter(|folder| private(folder)),
            engine: identity(engine),
        }
    }

    /// The compiled component, when an intact one is there.
    pub(super) fn get(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest)?;
        let bytes = std::fs::read(&path).ok()?;
        let code = checked(&bytes)?;
        used_now(&path);
        // SAFETY: the bytes are what `put` wrote for this engine (checksum and name
        // say so), in a folder that only this user can write (`private`); wasmtime
        // asks for no more than that its own output comes back unchanged.
        unsafe { Component::deserialize(engine, code) }.ok()
    }

    /// Keeps a compiled component. A cache that cannot be written is no cache: the
    /// next start compiles again.
    pub(super) fn put(&self, component: &Component, digest: &str) {
        let Some(path) = self.path(digest) else {
            return;
        };
        let Ok(code) = component.serialize() else {
            return;
        };
        // Written aside and renamed, so that a reader never sees half a file.
        let aside = path.with_extension(format!("{}.part", std::process::id()));
        let written = write(&aside, &code).and_then(|()| std::fs::rename(&aside, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&aside);
        }
        if let Some(folder) = &self.folder {
            kept::sweep(folder, self.engine, UNUSED);
        }
    }

    /// Notes what a kept plugin is called, for those who look at the cache.
    pub(super) fn label(&self, digest: &str, name: &str) {
        if let Some(path) = self.path(digest).filter(|path| path.exists()) {
            let _ = std::fs::write(kept::label(&path), name);
        }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let name = format!("{digest}-{:016x}.cwasm", self.engine);
        Some(self.folder.as_ref()?.join(name))
    }
}

/// wasmtime's word on version, settings and processor, and the layout of the file.
pub(super) fn identity(engine: &wasmtime::Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    MAGIC.hash(&mut hasher);
    hasher.finish()
}

/// The time of the file is when it was last used. Where it cannot be set, it stays.
fn used_now(path: &Path) {
    let file = std::fs::File::options().write(true).open(path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

/// Whether the folder (made if need be) belongs to this user and to nobody else.
fn private(folder: &Path) -> bool {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    let Ok(about) = made.and_then(|()| std::fs::symlink_metadata(folder)) else {
        return false;
    };
    about.is_dir()
        && about.uid() == rustix::process::geteuid().as_raw()
        && about.mode() & 0o022 == 0
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (header, code) = bytes.split_at_checked(HEADER)?;
    let sum = header.strip_prefix(MAGIC)?;
    (sum == Sha256::digest(code).as_slice()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A component without anything in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::default()
    }

    #[test]
    fn a_kept_component_is_found_again() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let cache = Cache::new(Some(folder.path().join("c")), &engine);
        assert!(cache.get(&engine, "d").is_none());
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        assert!(cache.get(&engine, "d").is_some());
        assert!(cache.get(&engine, "other").is_none());
    }

    #[test]
    fn a_damaged_file_is_not_used() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let cache = Cache::new(Some(folder.path().join("c")), &engine);
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        let path = cache.path("d").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for damage in 0..3 {
            let mut bytes = whole.clone();
            match damage {
                0 => bytes[HEADER + 40] ^= 1,
                1 => bytes.truncate(whole.len() / 2),
                _ => bytes.clear(),
            }
            std::fs::write(&path, bytes).unwrap();
            assert!(cache.get(&engine, "d").is_none(), "damage {damage}");
        }
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_used() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let open = folder.path().join("c");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        let cache = Cache::new(Some(open.clone()), &engine);
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        assert_eq!(std::fs::read_dir(open).unwrap().count(), 0);
    }
}
