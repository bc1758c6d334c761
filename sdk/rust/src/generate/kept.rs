//! What was made of a data file, kept for all cells of the group: a file of half a million
//! rows is looked through once a process, and not once a cell. Knows neither rows nor times.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problems::Check;

/// What is wrong with a file, in sentences that name their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted(pub(super) Vec<String>);

impl Noted {
    /// Hands it on.
    pub(super) fn note(self, check: &mut Check<'_>, key: &str) {
        for fault in self.0 {
            check.wrong(key, fault);
        }
    }
}

/// Either what was kept under this key, or what is made now, and then kept: it has to
/// follow from the key and the group's files. A broken file is looked through once, too.
pub(super) fn kept<T: Serialize + DeserializeOwned>(
    in_group: bool,
    key: &str,
    make: impl FnOnce() -> Result<T, Noted>,
) -> Result<T, Noted> {
    if !in_group {
        return make();
    }
    let left = crate::data::left(key);
    if let Some(kept) = left.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return kept;
    }
    let made = make();
    if let Ok(bytes) = serde_json::to_vec(&made) {
        // Where there is no room, each cell makes its own.
        let _ = crate::data::leave(key, &bytes);
    }
    made
}
