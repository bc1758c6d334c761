//! A file that a fleet file names: on the disk, or a part of the bundle that it came in.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// A file to be read.
#[derive(Debug, Clone)]
pub enum File {
    /// One on the disk.
    Disk(PathBuf),
    /// One that a bundle brought along.
    Part {
        /// As it stands in messages: `warehouse.bundle/data/weather.csv`.
        shown: String,
        /// All of it.
        bytes: Bytes,
    },
}

impl File {
    /// Its content.
    ///
    /// # Errors
    /// What the system says; a part of a bundle is there.
    pub fn read(&self) -> std::io::Result<Bytes> {
        match self {
            Self::Disk(path) => std::fs::read(path).map(Bytes::from),
            Self::Part { bytes, .. } => Ok(bytes.clone()),
        }
    }

    /// What makes it this file and no other.
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

/// Where the relative names of a fleet file lead.
#[derive(Debug, Clone, Copy)]
pub enum Files<'a> {
    /// Into its folder, and from there to wherever a path leads.
    Folder(&'a Path),
    /// To the parts of its bundle (or, where a fleet file came alone, to none), and nowhere
    /// else.
    Parts {
        /// The bundle, as it stands in messages.
        shown: &'a str,
        /// By their names.
        parts: &'a BTreeMap<String, Bytes>,
    },
}

impl Files<'_> {
    /// The folder in which a path of the fleet file starts: parts have none, and what a
    /// bundle writes goes to where the user stands.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Parts { .. } => Path::new("."),
        }
    }

    /// The file of this name.
    ///
    /// # Errors
    /// Why it is not there.
    pub(crate) fn find(&self, name: &str) -> Result<File, String> {
        match self {
            Self::Folder(folder) => open_on_disk(join_folder(folder, name)),
            Self::Parts { shown, parts } => match parts.get(name) {
                Some(bytes) => Ok(File::Part {
                    shown: format!("{shown}/{name}"),
                    bytes: bytes.clone(),
                }),
                None => Err(format!(
                    "{name} is no part of {shown}, and what comes as a bundle or from an address reads nothing else; `mockfleet bundle` packs a fleet file with its files"
                )),
            },
        }
    }
}

/// A file on the disk that can be read.
pub(crate) fn open_on_disk(path: PathBuf) -> Result<File, String> {
    match std::fs::File::open(&path) {
        Ok(_) => Ok(File::Disk(path)),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// Without the `./` of where one stands.
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
        assert_eq!(found.read().unwrap(), "1");
        assert_eq!(found.to_string(), "w.bundle/data/a.csv");
        for other in [outside.to_str().unwrap(), "../secret.csv", "data/b.csv"] {
            let why = files.find(other).unwrap_err();
            assert!(why.starts_with(&format!("{other} is no part of w.bundle")));
        }
    }
}
