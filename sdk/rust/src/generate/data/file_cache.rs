//! Shares results that were computed from a data file among the cells of a group.
//!
//! A file of half a million rows is indexed once a process, not once a cell.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::generate::data::file_errors::FileErrors;

/// The result that another cell shared under this key, or the result of `compute`, which is
/// then shared. The result must follow from the key and the group's files alone. The errors
/// of a broken file are shared, too.
pub(crate) fn get_or_compute<T: Serialize + DeserializeOwned>(
    in_group: bool,
    key: &str,
    compute: impl FnOnce() -> Result<T, FileErrors>,
) -> Result<T, FileErrors> {
    if !in_group {
        return compute();
    }
    let shared = crate::lookup::data::shared(key);
    if let Some(shared) = shared.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return shared;
    }
    let result = compute();
    if let Ok(bytes) = serde_json::to_vec(&result) {
        // Without room for it, each cell computes its own.
        let _ = crate::lookup::data::share(key, &bytes);
    }
    result
}
