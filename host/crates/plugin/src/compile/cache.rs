//! Stores compiled plugins on disk, so that a second start takes milliseconds.
//!
//! A file is named by the digest of the component and the identity of the engine, and has both
//! inside. The host executes its code. So a file is used only if it and its folder belong to
//! this user, no other user can write to them, and its digests are right; otherwise the plugin
//! is compiled again.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mockfleet_files::cache_dir;
use mockfleet_files::dir_handle::DirHandle;
use sha2::{Digest, Sha256};

use crate::compile::cache_index;
use crate::compile::compiled::Compiled;
use crate::compile::engine_config::{CACHE_FORMAT, identity};

/// Maximum size of a cached file, 1 GiB. The code of an interpreter has some dozen MiB.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The age without use after which files of another engine are deleted: 30 days.
const MAX_UNUSED_AGE: Duration = Duration::from_secs(30 * 86_400);

/// The folder of compiled plugins.
pub(crate) struct Cache {
    /// `None` if there is none, or if it cannot be made.
    folder: Option<PathBuf>,
    /// The identity of the engine.
    engine: u64,
}

impl Cache {
    /// Opens the cache of the user.
    pub(crate) fn in_user_cache_dir(engine: &wasmtime::Engine) -> Self {
        Self::new(cache_dir::user_cache_dir(), engine)
    }

    /// Returns a cache that stores nothing.
    pub(crate) fn none(engine: &wasmtime::Engine) -> Self {
        Self::new(None, engine)
    }

    fn new(folder: Option<PathBuf>, engine: &wasmtime::Engine) -> Self {
        Self {
            folder: folder.filter(|folder| create_private(folder).is_ok()),
            engine: identity(engine),
        }
    }

    /// Returns the code of a component, if the cache has it.
    ///
    /// # Errors
    /// A sentence, if there is a file that is not used.
    pub(crate) fn get(&self, digest: &str) -> Result<Option<Compiled>, String> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let path = self.path(folder, digest);
        match self.read(folder, digest) {
            Ok(compiled) => Ok(Some(compiled)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!(
                "the compiled plugin {} is not used: {error}; the plugin is compiled again",
                path.display()
            )),
        }
    }

    fn read(&self, folder: &Path, digest: &str) -> io::Result<Compiled> {
        let handle = DirHandle::open(folder)?;
        check_private(&handle.metadata()?, "its folder")?;
        let name = self.name(digest);
        let mut file = handle.open_file(&name)?;
        let about = file.metadata()?;
        check_private(&about, "it")?;
        if about.len() > MAX_FILE_BYTES {
            return Err(invalid(format!("it has {} bytes", about.len())));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        let compiled = self.decode(&bytes, digest)?;
        // The time of the file is that of its last use. A failure is ignored.
        let writable = handle.open_writable(&name);
        let _ = writable.and_then(|file| file.set_modified(SystemTime::now()));
        Ok(compiled)
    }

    /// Stores compiled code. A failure is ignored: the next start compiles again.
    pub(crate) fn put(&self, compiled: &Compiled, digest: &str) {
        let Some(folder) = self.private_folder() else {
            return;
        };
        let path = self.path(folder, digest);
        // Written under another name and renamed, so that a reader never sees half a file.
        let aside = path.with_extension(format!("{}.part", std::process::id()));
        let written = self.write(&aside, compiled, digest);
        if written
            .and_then(|()| std::fs::rename(&aside, &path))
            .is_err()
        {
            let _ = std::fs::remove_file(&aside);
        }
        cache_index::delete_unused(folder, self.engine, MAX_UNUSED_AGE);
    }

    /// Stores the name of a compiled plugin, for `mockfleet cache`.
    pub(crate) fn name_file(&self, digest: &str, name: &str) {
        let path = self
            .private_folder()
            .map(|folder| self.path(folder, digest));
        if let Some(path) = path.filter(|path| path.exists()) {
            let _ = std::fs::write(cache_index::name_file(&path), name);
        }
    }

    /// Returns the folder if nobody else can have put links in it.
    fn private_folder(&self) -> Option<&Path> {
        let folder = self.folder.as_deref()?;
        let about = std::fs::metadata(folder).ok()?;
        check_private(&about, "it").is_ok().then_some(folder)
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{:016x}.cwasm", self.engine)
    }

    fn path(&self, folder: &Path, digest: &str) -> PathBuf {
        folder.join(self.name(digest))
    }

    /// Writes the format, the digests of component, engine and code, the cost, and the code.
    fn write(&self, path: &Path, compiled: &Compiled, digest: &str) -> io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&self.header(compiled, digest))?;
        file.write_all(&compiled.code)
    }

    fn header(&self, compiled: &Compiled, digest: &str) -> Vec<u8> {
        let mut header = CACHE_FORMAT.to_vec();
        header.extend_from_slice(&compiled.host_memory.to_le_bytes());
        let sum = Sha256::new()
            .chain_update(digest)
            .chain_update(self.engine.to_le_bytes())
            .chain_update(compiled.host_memory.to_le_bytes())
            .chain_update(&compiled.code)
            .finalize();
        header.extend_from_slice(&sum);
        header
    }

    /// Returns the code of a file that was written for this component and this engine.
    fn decode(&self, bytes: &[u8], digest: &str) -> io::Result<Compiled> {
        let parts = bytes
            .strip_prefix(CACHE_FORMAT)
            .and_then(|rest| rest.split_first_chunk())
            .and_then(|(host_memory, rest)| {
                let (_, code) = rest.split_at_checked(DIGEST_BYTES)?;
                Some((u64::from_le_bytes(*host_memory), code))
            });
        let (host_memory, code) = parts.ok_or_else(|| invalid("it is not whole".into()))?;
        let compiled = Compiled {
            code: code.to_owned(),
            host_memory,
        };
        match bytes.starts_with(&self.header(&compiled, digest)) {
            true => Ok(compiled),
            false => Err(invalid(
                "its digest is another: it is damaged, or of another plugin".into(),
            )),
        }
    }
}

/// Bytes of a SHA-256.
const DIGEST_BYTES: usize = 32;

fn invalid(text: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text)
}

/// Creates the folder, which only this user can read and write.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

/// Refuses what belongs to another user, or what another user can write to.
fn check_private(about: &Metadata, what: &str) -> io::Result<()> {
    let owner = about.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(invalid(format!("{what} belongs to the user {owner}")));
    }
    match about.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(invalid(format!(
            "other users can write to {what}; `chmod go-w` prevents that"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn engine() -> wasmtime::Engine {
        wasmtime::Engine::default()
    }

    fn code() -> Compiled {
        Compiled {
            code: b"code".to_vec(),
            host_memory: 7,
        }
    }

    #[test]
    fn stored_component_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().join("c")), &engine());
        assert_eq!(cache.get("d"), Ok(None));
        cache.put(&code(), "d");
        assert_eq!(cache.get("d"), Ok(Some(code())));
        assert_eq!(cache.get("other"), Ok(None));
    }

    #[test]
    fn damaged_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().to_owned()), &engine());
        cache.put(&code(), "d");
        let path = cache.path(folder.path(), "d");
        let whole = std::fs::read(&path).unwrap();
        for damage in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[damage] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            assert!(cache.get("d").is_err(), "a flipped bit of byte {damage}");
            std::fs::write(&path, &whole[..damage]).unwrap();
            assert!(cache.get("d").is_err(), "cut to {damage} bytes");
        }
    }

    #[test]
    fn file_of_another_plugin_or_engine_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().to_owned()), &engine());
        let other = Cache {
            engine: cache.engine ^ 1,
            folder: cache.folder.clone(),
        };
        let path = |cache: &Cache, digest| cache.path(folder.path(), digest);
        for (from, digest) in [(&cache, "e"), (&other, "d")] {
            from.put(&code(), digest);
            std::fs::rename(path(from, digest), path(&cache, "d")).unwrap();
            let refused = cache.get("d").unwrap_err();
            assert!(refused.contains("of another plugin"), "{refused}");
        }
    }

    #[test]
    fn file_that_others_can_write_is_not_used() {
        use std::os::unix::fs::symlink;
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = Cache::new(Some(folder.path().to_owned()), &engine());
        cache.put(&code(), "d");
        let path = cache.path(folder.path(), "d");
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&path, 0o622);
        assert!(cache.get("d").unwrap_err().contains("can write to it"));
        mode(&path, 0o600);
        mode(folder.path(), 0o777);
        assert!(
            cache
                .get("d")
                .unwrap_err()
                .contains("can write to its folder")
        );
        cache.put(&code(), "e");
        cache.name_file("d", "a name");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        mode(folder.path(), 0o700);
        assert_eq!(cache.get("d"), Ok(Some(code())));
        let target = elsewhere.path().join("x");
        std::fs::rename(&path, &target).unwrap();
        symlink(&target, &path).unwrap();
        assert!(cache.get("d").unwrap_err().contains("it is a link"));
    }
}
