//! The data files of a device's group: `data = { weather = "weather.csv" }` in the fleet
//! file. Owns how a behaviour reads them; must not know what is in them.
//!
//! The host holds each file once. A behaviour reads it in windows, when its first device
//! is created, and shares what it makes of it among the devices of its cell, for example
//! in a `thread_local`: a copy for each device would be too much.

/// How many bytes the file of this name has.
///
/// # Errors
/// A sentence that says which names there are.
pub fn size(name: &str) -> Result<u64, String> {
    source::size(name)
}

/// Up to `length` bytes of the file from `offset` on: fewer at its end, none past it, and
/// at most 1 MiB in one call.
///
/// # Errors
/// As [`size`].
pub fn read(name: &str, offset: u64, length: u32) -> Result<Vec<u8>, String> {
    source::read(name, offset, length)
}

/// The whole file.
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

/// Leaves something that was made of the files, such as an index, for the other cells of
/// the group: what took long is done once. What is left first under a name stays. It has to
/// follow from the files and the settings alone, or the same seed is not the same run.
///
/// # Errors
/// A sentence, beyond 64 MiB a group; go on without it then.
pub fn share(name: &str, content: &[u8]) -> Result<(), String> {
    source::leave(name, content)
}

/// All of what was left under this name.
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

/// Natively, the files are what [`testing::data`](crate::testing::data) was given.
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

    /// There is but one cell: nobody would read it.
    #[expect(clippy::unnecessary_wraps, reason = "as the host has it")]
    pub(super) const fn leave(_name: &str, _content: &[u8]) -> Result<(), String> {
        Ok(())
    }

    pub(super) const fn left(_name: &str, _offset: u64, _length: u32) -> Option<Vec<u8>> {
        None
    }
}
