//! Opens, renames and deletes the entries of an open folder.
//!
//! Each entry is named by one component, and no link is followed: data that names a file, such
//! as a manifest of somebody else's log, cannot lead out of the folder.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat};

/// The extension of a small file that is not finished.
pub const DRAFT: &str = "draft";

/// A folder that is open.
#[derive(Debug)]
pub struct DirHandle {
    folder: OwnedFd,
    path: PathBuf,
}

/// The kind of an entry of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a socket or a device.
    Other,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name. A name that is not UTF-8 has replacement characters, and is found by no call.
    pub name: String,
    /// Its kind. A link has the kind [`EntryKind::Other`].
    pub kind: EntryKind,
    /// Its bytes.
    pub size: u64,
}

impl DirHandle {
    /// Opens a folder that the user has named. Links in this path are followed.
    ///
    /// # Errors
    /// The system's, for example if there is no such folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            folder: rustix::fs::open(path, flags, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens the folder with this name.
    ///
    /// # Errors
    /// The system's, and one that says so if the entry is a link or no folder.
    pub fn open_folder(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match openat(&self.folder, component(name)?, flags, Mode::empty()) {
            Ok(folder) => Ok(Self {
                folder,
                path: self.path.join(name),
            }),
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => {
                Err(self.refused(name, "it is a link or a file, and not a folder"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder with this name, and creates it before if there is none.
    ///
    /// # Errors
    /// As those of [`Self::open_folder`].
    pub fn create_folder(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.folder, component(name)?, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => self.open_folder(name),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates an empty file, over one with this name.
    ///
    /// # Errors
    /// The system's, and one that says so if the entry is no regular file.
    pub fn create_file(&self, name: &str) -> io::Result<File> {
        let file = self.open_regular(name, OFlags::RDWR | OFlags::CREATE)?;
        file.set_len(0)?;
        Ok(file)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// As those of [`Self::create_file`].
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OFlags::RDONLY)
    }

    /// Opens a file for reading and writing, without a change of it.
    ///
    /// # Errors
    /// As those of [`Self::create_file`].
    pub fn open_writable(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OFlags::RDWR)
    }

    fn open_regular(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // NONBLOCK: to open a pipe would wait for its other end.
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::from_raw_mode(0o666);
        let not_regular = || self.refused(name, "it is a link, a pipe or a device, and not a file");
        let file = match openat(&self.folder, component(name)?, flags, mode) {
            Ok(file) => File::from(file),
            // NXIO: a socket, or a pipe that nobody reads.
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Err(not_regular()),
            Err(error) => return Err(error.into()),
        };
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(not_regular()),
        }
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// The system's, and one that says so if the entry is no regular file or is larger.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open_file(name)?;
        let size = file.metadata()?.len();
        if size > limit {
            let why = format!("it has {size} bytes, and at most {limit} are read");
            return Err(self.refused(name, &why));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a small file that is either complete or absent, and survives a loss of power.
    ///
    /// # Errors
    /// The system's.
    pub fn write_atomically(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let draft = format!("{name}.{DRAFT}");
        let written = self.create_file(&draft).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| self.rename(&draft, self, name)) {
            // An incomplete file has no use, and its space may be needed.
            let _ = self.remove_file(&draft);
            return Err(error);
        }
        self.sync()
    }

    /// Moves an entry to another folder, over a file with that name. A link is moved itself.
    ///
    /// # Errors
    /// The system's.
    pub fn rename(&self, name: &str, folder: &Self, to: &str) -> io::Result<()> {
        let (from, to) = (component(name)?, component(to)?);
        Ok(rustix::fs::renameat(
            &self.folder,
            from,
            &folder.folder,
            to,
        )?)
    }

    /// Gives a file another name in another folder, or copies it where the file system has no
    /// such links. A file with that name is replaced.
    ///
    /// # Errors
    /// The system's.
    pub fn link_or_copy(&self, name: &str, folder: &Self, to: &str) -> io::Result<()> {
        let (from, other) = (component(name)?, component(to)?);
        let _ = folder.remove_file(to);
        let linked =
            rustix::fs::linkat(&self.folder, from, &folder.folder, other, AtFlags::empty());
        if linked.is_err() {
            io::copy(&mut self.open_file(name)?, &mut folder.create_file(to)?)?;
        }
        Ok(())
    }

    /// Returns the bytes of a file. A link is not followed.
    ///
    /// # Errors
    /// The system's.
    pub fn size(&self, name: &str) -> io::Result<u64> {
        let about = rustix::fs::statat(&self.folder, component(name)?, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(u64::try_from(about.st_size).unwrap_or(0))
    }

    /// Deletes a file. A link is deleted itself.
    ///
    /// # Errors
    /// The system's.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.folder,
            component(name)?,
            AtFlags::empty(),
        )?)
    }

    /// Deletes an empty folder.
    ///
    /// # Errors
    /// The system's.
    pub fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.folder,
            component(name)?,
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Syncs the folder, so that its new names survive a loss of power.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.folder)?)
    }

    /// Lists the entries of the folder, in the order of their names.
    ///
    /// # Errors
    /// The system's.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            // The file may be gone by now.
            let Ok(about) = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW)
            else {
                continue;
            };
            entries.push(Entry {
                name: OsStr::from_bytes(name).to_string_lossy().into_owned(),
                kind: match FileType::from_raw_mode(about.st_mode) {
                    FileType::RegularFile => EntryKind::File,
                    FileType::Directory => EntryKind::Folder,
                    _ => EntryKind::Other,
                },
                size: u64::try_from(about.st_size).unwrap_or(0),
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Bytes that the folder's disk still takes.
    ///
    /// # Errors
    /// The system's.
    pub fn free_space(&self) -> io::Result<u64> {
        let disk = rustix::fs::fstatvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Returns the owner, the permissions and the times of the folder.
    ///
    /// # Errors
    /// The system's.
    pub fn metadata(&self) -> io::Result<std::fs::Metadata> {
        File::from(self.folder.try_clone()?).metadata()
    }

    /// The path of the folder, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn refused(&self, name: &str, why: &str) -> io::Error {
        let file = self.path.join(name);
        io::Error::new(
            ErrorKind::InvalidInput,
            format!("{}: {why}", file.display()),
        )
    }
}

/// Returns a name if it is one component of a path.
fn component(name: &str) -> io::Result<&str> {
    match name {
        "" | "." | ".." => {}
        _ if name.contains(['/', '\0']) => {}
        _ => return Ok(name),
    }
    let text = format!("{name:?} names no entry of a folder");
    Err(io::Error::new(ErrorKind::InvalidInput, text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, DirHandle) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(folder.path().join("victim"), "theirs").unwrap();
        let handle = DirHandle::open(&path).unwrap();
        (folder, handle)
    }

    #[test]
    fn names_of_other_folders_are_refused() {
        let (outside, own) = folder();
        for name in ["../victim", "/etc/passwd", "..", ".", "", "a/b", "a\0"] {
            assert!(own.create_file(name).is_err(), "{name:?}");
            assert!(own.open_folder(name).is_err(), "{name:?}");
            assert!(own.remove_file(name).is_err(), "{name:?}");
            assert!(own.rename(name, &own, "x").is_err(), "{name:?}");
            assert!(own.rename("x", &own, name).is_err(), "{name:?}");
        }
        assert_eq!(
            std::fs::read(outside.path().join("victim")).unwrap(),
            b"theirs"
        );
    }

    #[test]
    fn links_are_not_followed() {
        let (outside, own) = folder();
        symlink("../victim", own.path().join("link")).unwrap();
        symlink("..", own.path().join("up")).unwrap();
        let refused = own.create_file("link").unwrap_err().to_string();
        assert!(refused.contains("own/link: it is a link"), "{refused}");
        assert!(own.read("link", 10).is_err());
        let refused = own.create_folder("up").unwrap_err().to_string();
        assert!(refused.contains("own/up: it is a link"), "{refused}");
        // The link itself is replaced and deleted.
        own.write_atomically("link", b"mine").unwrap();
        own.remove_file("up").unwrap();
        assert_eq!(own.read("link", 4).unwrap(), b"mine");
        assert_eq!(
            std::fs::read(outside.path().join("victim")).unwrap(),
            b"theirs"
        );
    }

    #[test]
    fn pipes_are_refused_and_not_waited_for() {
        let (_outside, own) = folder();
        let mode = Mode::from_raw_mode(0o600);
        let pipe = own.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
        assert!(own.read("pipe", 10).is_err());
        assert!(own.create_file("pipe").is_err());
        let kinds: Vec<_> = own
            .entries()
            .unwrap()
            .into_iter()
            .map(|entry| entry.kind)
            .collect();
        assert_eq!(kinds, [EntryKind::Other]);
    }

    #[test]
    fn files_above_the_limit_are_refused() {
        let (_outside, own) = folder();
        own.write_atomically("file", b"12345").unwrap();
        assert_eq!(own.read("file", 5).unwrap(), b"12345");
        let refused = own.read("file", 4).unwrap_err().to_string();
        assert!(refused.contains("own/file: it has 5 bytes"), "{refused}");
        assert_eq!(own.entries().unwrap().len(), 1, "no draft is left");
    }
}
