//! Reads the bytes of a data file in windows.
//!
//! A file of many MiB takes a few KiB of a cell.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;

use mockfleet_datafile::Input;

use crate::generate::common::problems::Problems;
use crate::generate::data::file_source::FileSource;

/// Bytes that are read at once. Devices of a cell that are near the same offset of the file
/// share the window; another device causes a new read.
const WINDOW_BYTES: u32 = 16 << 10;

/// Bytes that a reader receives at least, except at the end of the file.
const MIN_VISIBLE_BYTES: usize = 1 << 10;

/// A data file.
pub(crate) struct WindowedFile {
    storage: Storage,
    size: usize,
}

enum Storage {
    /// The whole file.
    InMemory(Vec<u8>),
    /// A file of the group, by its name.
    Group(String, RefCell<Window>),
}

#[derive(Default)]
struct Window {
    start: usize,
    bytes: Vec<u8>,
}

impl WindowedFile {
    /// The file of this name. `None` after reporting under `key` that there is none.
    pub(crate) fn open(
        source: &FileSource,
        name: &str,
        key: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        if !source.is_in_group() {
            let bytes = source.read(name, key, problems)?;
            return Some(Self {
                size: bytes.len(),
                storage: Storage::InMemory(bytes),
            });
        }
        let size = crate::lookup::data::size(name).map_err(|why| problems.report(key, why));
        Some(Self {
            size: usize::try_from(size.ok()?).unwrap_or(usize::MAX),
            storage: Storage::Group(name.to_owned(), RefCell::default()),
        })
    }

    pub(crate) const fn len(&self) -> usize {
        self.size
    }

    /// Calls `read` with the bytes from an offset on: a part of them, or all near the end
    /// of the file.
    pub(crate) fn with_bytes<T>(&self, offset: usize, read: impl FnOnce(&[u8]) -> T) -> T {
        let offset = offset.min(self.size);
        match &self.storage {
            Storage::InMemory(bytes) => read(bytes.get(offset..).unwrap_or_default()),
            Storage::Group(name, window) => {
                let mut window = window.borrow_mut();
                let wanted = offset.saturating_add(MIN_VISIBLE_BYTES).min(self.size);
                let end = window.start + window.bytes.len();
                if offset < window.start || wanted > end {
                    let at = u64::try_from(offset).unwrap_or(u64::MAX);
                    // The file existed when it was planned, and does not change in a run.
                    window.bytes =
                        crate::lookup::data::read(name, at, WINDOW_BYTES).unwrap_or_default();
                    window.start = offset;
                }
                let from = offset - window.start;
                read(window.bytes.get(from..).unwrap_or_default())
            }
        }
    }

    /// The line that begins at an offset, without its line break.
    pub(crate) fn line(&self, offset: usize) -> Vec<u8> {
        let mut line = Vec::new();
        loop {
            let at = offset + line.len();
            let ended = self.with_bytes(at, |bytes| {
                let end = bytes.iter().position(|byte| *byte == b'\n');
                line.extend_from_slice(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default());
                end.is_some() || bytes.is_empty()
            });
            if ended {
                return line;
            }
        }
    }

    /// The file's bytes from an offset on, as an input of a reader.
    pub(crate) const fn cursor(&self, offset: usize) -> FileCursor<'_> {
        FileCursor { file: self, offset }
    }

    /// The offset of the first byte that is not UTF-8.
    pub(crate) fn first_invalid_utf8(&self) -> Option<usize> {
        let mut offset = 0;
        while offset < self.size {
            let valid = self.with_bytes(offset, |bytes| match std::str::from_utf8(bytes) {
                Ok(_) => Ok(bytes.len()),
                // A character at the end of the window is complete in the next one.
                Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
                    Ok(error.valid_up_to())
                }
                Err(error) => Err(error.valid_up_to()),
            });
            match valid {
                Ok(length) => offset += length,
                Err(length) => return Some(offset + length),
            }
        }
        None
    }

    /// Line and column of an offset, both from 1, the column in characters.
    pub(crate) fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let (mut at, mut lines, mut start) = (0, 0, 0);
        while at < offset.min(self.size) {
            at += self.with_bytes(at, |bytes| {
                let before = bytes
                    .get(..(offset - at).min(bytes.len()))
                    .unwrap_or_default();
                for (place, _) in before
                    .iter()
                    .enumerate()
                    .filter(|(_, byte)| **byte == b'\n')
                {
                    lines += 1;
                    start = at + place + 1;
                }
                before.len().max(1)
            });
        }
        let mut line = self.line(start);
        line.truncate(offset.saturating_sub(start));
        (
            lines + 1,
            String::from_utf8_lossy(&line).chars().count() + 1,
        )
    }
}

/// A place in a file, from which a reader takes bytes.
pub(crate) struct FileCursor<'a> {
    file: &'a WindowedFile,
    offset: usize,
}

impl Input for FileCursor<'_> {
    type Error = Infallible;

    fn take<T>(&mut self, take: impl FnOnce(&[u8]) -> (usize, T)) -> Result<T, Infallible> {
        let (used, result) = self.file.with_bytes(self.offset, take);
        self.offset += used;
        Ok(result)
    }
}

impl fmt::Debug for WindowedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.size)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    /// The same bytes, held and in windows.
    fn both(bytes: &[u8]) -> [WindowedFile; 2] {
        crate::testing::group_context::data("content", bytes);
        let storages = [
            Storage::InMemory(bytes.to_vec()),
            Storage::Group("content".into(), RefCell::default()),
        ];
        storages.map(|storage| WindowedFile {
            storage,
            size: bytes.len(),
        })
    }

    #[test]
    fn windows_have_the_bytes_of_the_whole_file() {
        // Lines that no window ends with, the longest longer than one.
        let mut text = String::new();
        for number in 0..3_000 {
            text += &format!("{number},grün,{}\n", "x".repeat(number % 37));
        }
        text += &"y".repeat(40_000);
        text += "\nlast";
        let [held, windowed] = both(text.as_bytes());
        for offset in [
            0,
            1,
            999,
            16_383,
            16_384,
            20_000,
            text.len() - 3,
            text.len(),
        ] {
            assert_eq!(held.line(offset), windowed.line(offset), "{offset}");
            assert_eq!(
                held.line_and_column(offset),
                windowed.line_and_column(offset),
                "{offset}"
            );
        }
        assert_eq!(windowed.first_invalid_utf8(), None);
        let mut broken = text.into_bytes();
        broken[30_001] = 0xff;
        let [held, windowed] = both(&broken);
        assert_eq!(held.first_invalid_utf8(), Some(30_001));
        assert_eq!(windowed.first_invalid_utf8(), Some(30_001));
    }
}
