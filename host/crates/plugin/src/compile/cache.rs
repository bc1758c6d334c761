//! Stores compiled plugins on disk, so that a second start takes milliseconds.
//!
//! A file is named by the digest of the component and the identity of the engine. The
//! host executes its code. So a file is used only if no other user can write to the
//! folder, and only if its checksum is right; otherwise the plugin is compiled again.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mockfleet_files::cache_dir;
use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::compile::cache_index;
use crate::compile::engine_config::{CACHE_FORMAT, identity};

/// The bytes before the code: the format and the SHA-256 of the code.
const HEADER_BYTES: usize = CACHE_FORMAT.len() + 32;

/// The age without use after which files of another engine are deleted: 30 days.
const MAX_UNUSED_AGE: Duration = Duration::from_secs(30 * 86_400);

/// The folder of compiled plugins, if there is a trusted one.
pub(crate) struct Cache {
    folder: Option<PathBuf>,
    /// The identity of the engine.
    engine: u64,
}

impl Cache {
    /// Opens the cache of the user.
    pub(crate) fn in_user_cache_dir(engine: &wasmtime::Engine) -> Self {
        Self::new(cache_dir::user_cache_dir(), engine)
    }

    fn new(folder: Option<PathBuf>, engine: &wasmtime::Engine) -> Self {
        Self {
            folder: folder.filter(|folder| ensure_private(folder)),
            engine: identity(engine),
        }
    }

    /// Returns the compiled component, if the cache has an intact one.
    pub(crate) fn get(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest)?;
        let bytes = std::fs::read(&path).ok()?;
        let code = verify_checksum(&bytes)?;
        touch(&path);
        // SAFETY: `put` wrote these bytes for this engine, as checksum and name prove. Only
        // this user can write to the folder (`ensure_private`). wasmtime requires only that
        // its own output is unchanged.
        unsafe { Component::deserialize(engine, code) }.ok()
    }

    /// Stores a compiled component. A failure is ignored: the next start compiles again.
    pub(crate) fn put(&self, component: &Component, digest: &str) {
        let Some(path) = self.path(digest) else {
            return;
        };
        let Ok(code) = component.serialize() else {
            return;
        };
        // Written under another name and renamed, so that a reader never sees half a file.
        let aside = path.with_extension(format!("{}.part", std::process::id()));
        let written = write(&aside, &code).and_then(|()| std::fs::rename(&aside, &path));
        if written.is_err() {
            let _ = std::fs::remove_file(&aside);
        }
        if let Some(folder) = &self.folder {
            cache_index::delete_unused(folder, self.engine, MAX_UNUSED_AGE);
        }
    }

    /// Stores the name of a compiled plugin, for `mockfleet cache`.
    pub(crate) fn name_file(&self, digest: &str, name: &str) {
        if let Some(path) = self.path(digest).filter(|path| path.exists()) {
            let _ = std::fs::write(cache_index::name_file(&path), name);
        }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let name = format!("{digest}-{:016x}.cwasm", self.engine);
        Some(self.folder.as_ref()?.join(name))
    }
}

/// Sets the time of a file, which is the time of its last use. A failure is ignored.
fn touch(path: &Path) {
    let file = std::fs::File::options().write(true).open(path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

/// Creates the folder, and returns whether it belongs to this user alone.
fn ensure_private(folder: &Path) -> bool {
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

/// Writes format, checksum and code.
fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(CACHE_FORMAT)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)
}

/// Returns the code of a file with a valid format and checksum.
fn verify_checksum(bytes: &[u8]) -> Option<&[u8]> {
    let (header, code) = bytes.split_at_checked(HEADER_BYTES)?;
    let sum = header.strip_prefix(CACHE_FORMAT)?;
    (sum == Sha256::digest(code).as_slice()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// An empty component.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::default()
    }

    #[test]
    fn stored_component_is_found_again() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let cache = Cache::new(Some(folder.path().join("c")), &engine);
        assert!(cache.get(&engine, "d").is_none());
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        assert!(cache.get(&engine, "d").is_some());
        assert!(cache.get(&engine, "other").is_none());
    }

    #[test]
    fn damaged_file_is_not_used() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let cache = Cache::new(Some(folder.path().join("c")), &engine);
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        let path = cache.path("d").unwrap();
        let whole = std::fs::read(&path).unwrap();
        for damage in 0..3 {
            let mut bytes = whole.clone();
            match damage {
                0 => bytes[HEADER_BYTES + 40] ^= 1,
                1 => bytes.truncate(whole.len() / 2),
                _ => bytes.clear(),
            }
            std::fs::write(&path, bytes).unwrap();
            assert!(cache.get(&engine, "d").is_none(), "damage {damage}");
        }
    }

    #[test]
    fn folder_that_others_can_write_is_not_used() {
        let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
        let open = folder.path().join("c");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        let cache = Cache::new(Some(open.clone()), &engine);
        cache.put(&Component::new(&engine, EMPTY).unwrap(), "d");
        assert_eq!(std::fs::read_dir(open).unwrap().count(), 0);
    }
}
