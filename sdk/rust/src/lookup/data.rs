//! Reads the data files of a device's group.
//!
//! The fleet file names them: `data = { weather = "weather.csv" }`. The host holds each
//! file once. A behaviour reads it in windows when its first device is created, and
//! shares its result among the devices of the cell, for example in a `thread_local`. A
//! copy for each device would take too much memory.

/// The size of a file, in bytes.
///
/// # Errors
/// A sentence with the known names, for an unknown one.
pub fn size(name: &str) -> Result<u64, String> {
    source::size(name)
}

/// Reads up to `length` bytes of a file from `offset` on: fewer at its end, none past it,
/// and at most 1 MiB in one call.
///
/// # Errors
/// As [`size`].
pub fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
    source::read(name, offset, length)
}

/// Reads a whole file.
///
/// # Errors
/// As [`size`].
pub fn read_all(name: &str) -> Result<Vec<u8>, String> {
    let size = size(name)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    loop {
        let offset = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let window = read(name, offset, 1 << 20)?;
        if window.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&window);
    }
}

/// Shares a result that was computed from the files, such as an index, with the other cells
/// of the group. The first content of a name stays. It must follow from the files and the
/// settings alone, or the same seed does not give the same run.
///
/// # Errors
/// A sentence, beyond 64 MiB a group. The caller can continue without sharing.
pub fn share(name: &str, content: &[u8]) -> Result<(), String> {
    source::leave(name, content)
}

/// The shared content of a name, if there is any.
#[must_use]
pub fn shared(name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let offset = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let window = source::left(name, offset, 1 << 20)?;
        if window.is_empty() {
            return Some(bytes);
        }
        bytes.extend_from_slice(&window);
    }
}

#[cfg(target_arch = "wasm32")]
use crate::wit_export::bindings::mockfleet::device::data as source;

/// Natively, the files are those of [`testing::data`](crate::testing::data).
#[cfg(not(target_arch = "wasm32"))]
mod source {
    use crate::testing::group_context::with_data;

    pub(super) fn size(name: &str) -> Result<u64, String> {
        with_data(name, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        with_data(name, |bytes| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let length = usize::try_from(length.min(1 << 20)).unwrap_or(usize::MAX);
            let from = bytes.get(start.min(bytes.len())..).unwrap_or_default();
            from.get(..length.min(from.len()))
                .unwrap_or_default()
                .to_vec()
        })
    }

    /// There is one cell only, which has no use for it.
    #[expect(clippy::unnecessary_wraps, reason = "as the host has it")]
    pub(super) const fn leave(_name: &str, _content: &[u8]) -> Result<(), String> {
        Ok(())
    }

    pub(super) const fn left(_name: &str, _offset: u64, _length: u32) -> Option<Vec<u8>> {
        None
    }
}
