//! What the fleet file gives a group beside its settings, as guests see it: data files
//! and the channels and times of the group. Owns the imports `data` and `group` of the
//! contract; must not know where the files come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::bindings::mockfleet::device::{data, group, types};
use super::sandbox::Sandbox;

/// The most bytes of one `data.read`: each is copied into the guest.
const WINDOW: u32 = 1 << 20;

/// What the cells of a group may leave for one another, names included: the index of a
/// file of 1 GiB is some MiB.
const LEFT: usize = 64 << 20;

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
    /// What cells have left for one another.
    pub left: Left,
}

/// What cells of a group have made of its files, by name. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Left(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Left {
    fn put(&self, name: String, content: Vec<u8>) -> Result<(), String> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.contains_key(&name) {
            return Ok(());
        }
        let held: usize = left.iter().map(|(name, it)| name.len() + it.len()).sum();
        let size = name.len() + content.len();
        if held + size > LEFT {
            return Err(format!(
                "{size} bytes have no room beside the {held} that the cells of this group have left; {LEFT} are allowed"
            ));
        }
        left.insert(name, content.into());
        Ok(())
    }

    fn get(&self, name: &str) -> Option<Bytes> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        left.get(name).cloned()
    }
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
        Ok(window(file, offset, length))
    }

    fn leave(&mut self, name: String, content: Vec<u8>) -> Result<(), String> {
        self.surroundings.left.put(name, content)
    }

    fn left(&mut self, name: String, offset: u64, length: u32) -> Option<Vec<u8>> {
        let content = self.surroundings.left.get(&name)?;
        Some(window(&content, offset, length))
    }
}

/// What one call is given of some bytes.
fn window(bytes: &Bytes, offset: u64, length: u32) -> Vec<u8> {
    let start = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let length = usize::try_from(length.min(WINDOW)).unwrap_or(usize::MAX);
    let end = start.saturating_add(length).min(bytes.len());
    bytes.get(start..end).unwrap_or_default().to_vec()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_first_stays_and_all_clones_have_it() {
        let left = Left::default();
        let other = left.clone();
        assert_eq!(left.get("index"), None);
        left.put("index".into(), vec![1, 2, 3]).unwrap();
        other.put("index".into(), vec![4]).unwrap();
        assert_eq!(other.get("index").as_deref(), Some(&[1, 2, 3][..]));
        let bytes = left.get("index").unwrap();
        assert_eq!(window(&bytes, 1, 9), [2, 3]);
        assert!(window(&bytes, 7, 9).is_empty());
    }

    #[test]
    fn there_is_an_end_to_what_can_be_left() {
        let left = Left::default();
        left.put("a".into(), vec![0; LEFT / 2]).unwrap();
        let refused = left.put("b".into(), vec![0; LEFT / 2]).unwrap_err();
        assert!(refused.contains("67108864 are allowed"), "{refused}");
        left.put("b".into(), vec![0; 100]).unwrap();
    }
}
