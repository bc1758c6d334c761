//! Reads whole files of a bounded size.
//!
//! A path can name a device without an end, a pipe that nobody writes to, or a sparse file of
//! any size. A file is read only if it is a regular file and has no more than its kind may have.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Maximum size of a component, 256 MiB.
pub const MAX_COMPONENT: u64 = 256 << 20;

/// Maximum size of a data file, 1 GiB.
pub const MAX_DATA_FILE: u64 = 1 << 30;

/// Maximum size of a bundle, 2 GiB.
pub const MAX_BUNDLE: u64 = 2 << 30;

/// Maximum size of a text that people write, such as a fleet file, a schema, a certificate or a
/// table of prices: 64 MiB.
pub const MAX_TEXT: u64 = 64 << 20;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// The system's, and one that says so if the file is no regular file, or is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path, limit)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(size);
    // A file that grows meanwhile is read up to the limit.
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text in UTF-8 of at most `limit` bytes.
///
/// # Errors
/// As those of [`read`], and one for bytes that are no text.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| {
        io::Error::new(
            ErrorKind::InvalidData,
            "it is no text in UTF-8; save it in UTF-8",
        )
    })
}

/// Opens a regular file of at most `limit` bytes.
///
/// # Errors
/// As those of [`read`].
pub fn open(path: &Path, limit: u64) -> io::Result<File> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    // To open a pipe without this waits for its other end.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblock)
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        let kind = match about.is_dir() {
            true => "it is a folder, and not a file",
            false => "it is a pipe or a device, and not a regular file",
        };
        return Err(io::Error::new(ErrorKind::InvalidInput, kind));
    }
    match about.len() {
        size if size > limit => Err(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has {size} bytes, and a file of its kind has at most {limit}"),
        )),
        _ => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert_eq!(read_text(&file, 5).unwrap(), "12345");
        let refused = |path: &Path| read(path, 4).unwrap_err().to_string();
        assert_eq!(
            refused(&file),
            "it has 5 bytes, and a file of its kind has at most 4"
        );
        let sparse = folder.path().join("sparse");
        File::create(&sparse).unwrap().set_len(20 << 30).unwrap();
        assert!(refused(&sparse).contains("21474836480 bytes"));
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for path in [&pipe, Path::new("/dev/zero")] {
            assert!(refused(path).contains("it is a pipe or a device"));
        }
        assert!(refused(folder.path()).contains("it is a folder"));
    }
}
