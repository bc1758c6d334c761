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

#[cfg(target_arch = "wasm32")]
use crate::glue::bindings::mockfleet::device::data as source;

/// Natively, the files are what [`testing::data`](crate::testing::data) was given.
#[cfg(not(target_arch = "wasm32"))]
mod source {
    use crate::testing::with_data;

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
}
