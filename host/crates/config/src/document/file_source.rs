//! Finds the files that a fleet file names.
//!
//! A file is on the disk, or a part of the bundle that has the fleet file.

use crate::document::problem::ValueError;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mockfleet_files::bounded_read;

/// A file that a fleet file names.
#[derive(Debug, Clone)]
pub enum File {
    /// A file on the disk.
    Disk(PathBuf),
    /// A part of a bundle.
    Part {
        /// The name in messages: `warehouse.bundle/data/weather.csv`.
        shown: String,
        /// Content of the file.
        bytes: Bytes,
    },
}

impl File {
    /// Returns the content of at most `limit` bytes.
    ///
    /// # Errors
    /// Returns the error of a file on the disk that cannot be read, is no regular file, or is
    /// larger.
    pub fn read(&self, limit: u64) -> std::io::Result<Bytes> {
        match self {
            Self::Disk(path) => bounded_read::read(path, limit).map(Bytes::from),
            Self::Part { bytes, .. } => Ok(bytes.clone()),
        }
    }

    /// Returns the identity of the file, for comparison.
    fn identity(&self) -> (bool, &Path) {
        match self {
            Self::Disk(path) => (true, path),
            Self::Part { shown, .. } => (false, Path::new(shown)),
        }
    }
}

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for File {}

impl Hash for File {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity().1.display().fmt(f)
    }
}

/// The base of relative names in a fleet file.
#[derive(Debug, Clone, Copy)]
pub enum Files<'a> {
    /// Relative names start at this folder, and may lead anywhere on the disk.
    Folder(&'a Path),
    /// Names are parts of a bundle only. A fleet file without a folder has no parts.
    Parts {
        /// The name of the bundle in messages.
        shown: &'a str,
        /// Parts by name.
        parts: &'a BTreeMap<String, Bytes>,
    },
}

impl Files<'_> {
    /// Returns the folder at which a path of the fleet file starts. A bundle has no folder: its
    /// relative paths start at the current folder.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Parts { .. } => Path::new("."),
        }
    }

    /// Finds the file of this name.
    ///
    /// # Errors
    /// Returns the reason if the file cannot be used.
    pub(crate) fn find(&self, name: &str) -> Result<File, ValueError> {
        match self {
            Self::Folder(folder) => open_on_disk(join_folder(folder, name)),
            Self::Parts { shown, parts } => match parts.get(name) {
                Some(bytes) => Ok(File::Part {
                    shown: format!("{shown}/{name}"),
                    bytes: bytes.clone(),
                }),
                None => Err(format!(
                    "{name} is no part of {shown}, and what comes as a bundle or from an address reads nothing else; `mockfleet bundle` packs a fleet file with its files"
                ).into()),
            },
        }
    }
}

/// Opens a file on the disk, to check that it can be read. A plugin can be the folder of a
/// project.
pub(crate) fn open_on_disk(path: PathBuf) -> Result<File, ValueError> {
    match bounded_read::open(&path, u64::MAX) {
        Ok(_) => Ok(File::Disk(path)),
        Err(_) if path.is_dir() => Ok(File::Disk(path)),
        Err(error) => Err(format!(
            "{} cannot be read: {error}{}",
            path.display().to_string().replace(char::is_control, "?"),
            way_out(&path, &error)
        )
        .into()),
    }
}

/// Returns the way out for a file that cannot be read, such as a path in which TOML has read
/// `\t` or `\n` as an escape.
fn way_out(path: &Path, error: &std::io::Error) -> &'static str {
    match error.kind() {
        _ if path.to_string_lossy().contains(char::is_control) => {
            "; the path has a tab or a line break in it, since \\t and \\n in double quotes are escapes: write it in single quotes, such as 'C:\\temp\\new.csv'"
        }
        std::io::ErrorKind::NotFound if path.is_relative() => {
            "; a path in a file begins at the file's folder, and one of the command line at the current folder"
        }
        std::io::ErrorKind::NotFound => "; give the path of a file that is there",
        std::io::ErrorKind::PermissionDenied => "; permit this user to read it (chmod)",
        _ => "; give a file that this user can read",
    }
}

/// Joins a folder and a name, without a leading `./`.
pub(crate) fn join_folder(folder: &Path, name: &str) -> PathBuf {
    match folder {
        here if here == Path::new(".") => PathBuf::from(name),
        folder => folder.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_its_parts_and_nothing_else() {
        let here = tempfile::tempdir().unwrap();
        let outside = here.path().join("secret.csv");
        std::fs::write(&outside, "x").unwrap();
        let parts = BTreeMap::from([("data/a.csv".to_owned(), Bytes::from_static(b"1"))]);
        let files = Files::Parts {
            shown: "w.bundle",
            parts: &parts,
        };
        let found = files.find("data/a.csv").unwrap();
        assert_eq!(found.read(1 << 20).unwrap(), "1");
        assert_eq!(found.to_string(), "w.bundle/data/a.csv");
        for other in [outside.to_str().unwrap(), "../secret.csv", "data/b.csv"] {
            let why = files.find(other).unwrap_err().to_string();
            assert!(why.starts_with(&format!("{other} is no part of w.bundle")));
        }
    }
}
