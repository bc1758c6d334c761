//! Holds the data that the host offers a group's guests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The most bytes of one `data.read`, 1 MiB: each is copied into the guest.
const MAX_READ_BYTES: u32 = 1 << 20;

/// The most bytes that the cells of a group share, names included, 64 MiB: the index of
/// a file of 1 GiB has a few MiB.
const MAX_SHARED_BYTES: usize = 64 << 20;

/// The data files, channels and interval of a group, as its guests see them.
#[derive(Debug, Clone, Default)]
pub struct HostContext {
    /// The data files by their names. The bytes are shared by all cells of the process.
    pub data: BTreeMap<String, Bytes>,
    /// The channels of the group's target; `None` in `mockfleet try`.
    pub channels: Option<Vec<String>>,
    /// The channels on which the target delivers messages.
    pub downlink: Option<Vec<String>>,
    /// The time between ticks, microseconds; `None` for `rate = "max"`.
    pub interval: Option<u64>,
    /// The values that cells share.
    pub shared: SharedBlobs,
}

/// Values that one cell computes and all cells of a group read, by name. Clones share
/// them.
#[derive(Debug, Clone, Default)]
pub struct SharedBlobs(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl SharedBlobs {
    /// Stores a value. The first value of a name stays.
    ///
    /// # Errors
    /// When the values of the group have no room for it.
    pub(crate) fn put(&self, name: String, content: Vec<u8>) -> Result<(), String> {
        let mut blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blobs.contains_key(&name) {
            return Ok(());
        }
        let held: usize = blobs.iter().map(|(name, it)| name.len() + it.len()).sum();
        let size = name.len() + content.len();
        if held + size > MAX_SHARED_BYTES {
            return Err(format!(
                "{size} bytes have no room beside the {held} that the cells of this group have left; {MAX_SHARED_BYTES} are allowed; share less, or leave it in a data file"
            ));
        }
        blobs.insert(name, content.into());
        Ok(())
    }

    /// Returns the value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(name).cloned()
    }
}

impl HostContext {
    /// Returns a data file of the group.
    ///
    /// # Errors
    /// A sentence with the names of the files that the group has.
    pub(crate) fn file(&self, name: &str) -> Result<&Bytes, String> {
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

/// Returns the bytes of one read: at most 1 MiB from `offset`.
pub(crate) fn read_window(bytes: &Bytes, offset: u64, length: u32) -> Vec<u8> {
    let start = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let length = usize::try_from(length.min(MAX_READ_BYTES)).unwrap_or(usize::MAX);
    let end = start.saturating_add(length).min(bytes.len());
    bytes.get(start..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_of_a_name_stays_and_clones_share_it() {
        let blobs = SharedBlobs::default();
        let other = blobs.clone();
        assert_eq!(blobs.get("index"), None);
        blobs.put("index".into(), vec![1, 2, 3]).unwrap();
        other.put("index".into(), vec![4]).unwrap();
        assert_eq!(other.get("index").as_deref(), Some(&[1, 2, 3][..]));
        let bytes = blobs.get("index").unwrap();
        assert_eq!(read_window(&bytes, 1, 9), [2, 3]);
        assert!(read_window(&bytes, 7, 9).is_empty());
    }

    #[test]
    fn values_above_the_size_limit_are_refused() {
        let blobs = SharedBlobs::default();
        blobs
            .put("a".into(), vec![0; MAX_SHARED_BYTES / 2])
            .unwrap();
        let refused = blobs
            .put("b".into(), vec![0; MAX_SHARED_BYTES / 2])
            .unwrap_err();
        assert!(refused.contains("67108864 are allowed"), "{refused}");
        blobs.put("b".into(), vec![0; 100]).unwrap();
    }
}
