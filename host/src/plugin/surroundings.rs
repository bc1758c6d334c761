//! What the fleet file gives a group beside its settings, as guests see it: data files
//! and the channels and times of the group. Owns the imports `data` and `group` of the
//! contract; must not know where the files come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::bindings::mockfleet::device::{data, group, types};
use super::sandbox::Sandbox;

/// The most bytes of one `data.read`: each is copied into the guest.
const WINDOW: u32 = 1 << 20;

/// What surrounds the devices of a group.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The data files by their names. The bytes are shared by all cells of the process.
    pub data: BTreeMap<String, Bytes>,
    /// The channels of the group's target; `None` where a device is only tried.
    pub channels: Option<Vec<String>>,
    /// The channels on which the target delivers messages.
    pub downlink: Option<Vec<String>>,
    /// From tick to tick, microseconds; `None` for as fast as it goes.
    pub interval: Option<u64>,
}

impl Surroundings {
    fn file(&self, name: &str) -> Result<&Bytes, String> {
        self.data.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.data.keys().map(String::as_str).collect();
            match names.as_slice() {
                [] => format!(
                    "there is no data file {name:?}; the group has none (data = {{ {name} = \"{name}.csv\" }} gives it one)"
                ),
                names => format!(
                    "there is no data file {name:?}; the group has {}",
                    names.join(", ")
                ),
            }
        })
    }
}

/// Everything of the contract that a plugin may import.
pub(super) fn add_to_linker(
    linker: &mut wasmtime::component::Linker<Sandbox>,
) -> wasmtime::Result<()> {
    use wasmtime::component::HasSelf;
    data::add_to_linker::<Sandbox, HasSelf<Sandbox>>(linker, |sandbox| sandbox)?;
    group::add_to_linker::<Sandbox, HasSelf<Sandbox>>(linker, |sandbox| sandbox)
}

impl data::Host for Sandbox {
    fn size(&mut self, name: String) -> Result<u64, String> {
        let file = self.surroundings.file(&name)?;
        Ok(u64::try_from(file.len()).unwrap_or(u64::MAX))
    }

    fn read(&mut self, name: String, offset: u64, length: u32) -> Result<Vec<u8>, String> {
        let file = self.surroundings.file(&name)?;
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(file.len());
        let length = usize::try_from(length.min(WINDOW)).unwrap_or(usize::MAX);
        let end = start.saturating_add(length).min(file.len());
        Ok(file.get(start..end).unwrap_or_default().to_vec())
    }
}

impl types::Host for Sandbox {}

impl group::Host for Sandbox {
    fn channels(&mut self) -> Option<Vec<String>> {
        self.surroundings.channels.clone()
    }

    fn downlink(&mut self) -> Option<Vec<String>> {
        self.surroundings.downlink.clone()
    }

    fn interval(&mut self) -> Option<u64> {
        self.surroundings.interval
    }
}

/// What nothing surrounds: a plugin that is asked what it is, or tried.
pub(super) fn nothing() -> Arc<Surroundings> {
    Arc::default()
}
