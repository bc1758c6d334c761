//! The folder where files grow until they are finished: beside their place in a local
//! store, so that a rename puts them there; in the user's state folder for a bucket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::LogError;
use crate::fleet::Store;

/// One run's folder. Dropped, it takes the empty folders that it made with it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The store's folder, if this run made it.
    store: Option<PathBuf>,
}

impl Folder {
    /// Makes the folder and proves that files can be written in it.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn make(store: &Store, run: &str) -> Result<Self, LogError> {
        let (base, made) = match store {
            Store::Folder(folder) => (
                folder.join(".spool"),
                (!folder.exists()).then(|| folder.clone()),
            ),
            Store::S3 { .. } => (state_folder().join("mockfleet/spool"), None),
        };
        let folder = Self {
            path: base.join(run),
            store: made,
        };
        let proof = folder.path.join("proof.part");
        std::fs::create_dir_all(&folder.path)
            .and_then(|()| std::fs::write(&proof, b"mockfleet"))
            .and_then(|()| std::fs::remove_file(&proof))
            .map_err(|error| LogError::Store {
                store: super::location(store),
                why: match error.kind() {
                    ErrorKind::PermissionDenied => format!(
                        "{} is not yours to write ({error}); choose another folder with --log",
                        base.display()
                    ),
                    _ => format!(
                        "{}: {error}; choose another folder with --log",
                        base.display()
                    ),
                },
            })?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Only what is empty goes; a folder that holds something stays, and that is
        // no error.
        let _ = std::fs::remove_dir(&self.path);
        if let Some(base) = self.path.parent() {
            let _ = std::fs::remove_dir(base);
        }
        if let Some(store) = &self.store {
            let _ = std::fs::remove_dir(store);
        }
    }
}

/// Where programs keep what should outlive them (XDG Base Directory Specification).
fn state_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
}
