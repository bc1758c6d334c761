//! Writes and reads the metadata of a run, one JSON object.
//!
//! The object is `runs/{host}-{run}.json`, written when the run starts and when it ends. It is
//! stored outside the table folders, so that table scans do not read it. The caller chooses the
//! content, except `run` and `host`, which identify it.

use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use mockfleet_config::Store;
use mockfleet_files::dir_handle::DirHandle;

use crate::error::log_error::LogError;
use crate::error::store_error::StoreError;
use crate::format::identity::{Identity, is_host_name, is_run_id};
use crate::format::location::location;
use crate::store::s3::Bucket;
use crate::store::store_reader::StoreReader;

/// The folder of the run metadata.
pub(crate) const RUNS_FOLDER: &str = "runs";

/// Keys of the JSON object that identify the run and the host.
const RUN: &str = "run";
const HOST: &str = "host";

fn key(identity: &Identity) -> String {
    format!("{RUNS_FOLDER}/{}-{}.json", identity.host, identity.run)
}

/// Returns the run and the host of a key. Returns `None` for a key that mockfleet does not
/// write.
pub(crate) fn parse_key(key: &str) -> Option<Identity> {
    let name = key.strip_prefix(RUNS_FOLDER)?.strip_prefix('/')?;
    let (host, run) = name.strip_suffix(".json")?.rsplit_once('-')?;
    (is_run_id(run) && is_host_name(host)).then(|| Identity {
        run: run.to_owned(),
        host: host.to_owned(),
    })
}

/// Returns the start of a run, which is part of its id.
pub(crate) fn started_at(run: &str) -> Option<Timestamp> {
    let milliseconds = ulid::Ulid::from_string(run).ok()?.timestamp_ms();
    Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()
}

/// Writes the metadata of a run, over an earlier version.
///
/// # Errors
/// [`LogError::Store`] if the store does not accept the object.
pub fn write_run_metadata(
    store: &Store,
    identity: &Identity,
    mut about: Value,
) -> Result<(), LogError> {
    if let Some(object) = about.as_object_mut() {
        object.insert(RUN.into(), identity.run.as_str().into());
        object.insert(HOST.into(), identity.host.as_str().into());
    }
    let mut text = serde_json::to_vec_pretty(&about).unwrap_or_default();
    text.push(b'\n');
    let key = key(identity);
    let written = match store {
        Store::Folder(folder) => put(folder, &key, &text).map_err(StoreError::from),
        Store::S3 { bucket, prefix } => {
            Bucket::open(bucket, prefix).and_then(|bucket| bucket.put(&key, text.into()))
        }
    };
    written.map_err(|source| LogError::Store {
        store: format!("{}/{key}", location(store)),
        source,
    })
}

/// Writes the file completely or not at all, also when power is lost.
fn put(store: &Path, key: &str, text: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(store)?;
    let (folder, name) = key.split_once('/').unwrap_or((RUNS_FOLDER, key));
    let folder = DirHandle::open(store)?.create_folder(folder)?;
    folder.write_atomically(name, text)
}

/// Reads the metadata of a run. Returns `None` for a log of an older mockfleet or of another
/// program.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read. Metadata that cannot be read counts as
/// missing.
pub fn read_run_metadata(store: &Store, run: &str) -> Result<Option<Value>, LogError> {
    let reader = StoreReader::open(store)?;
    let keys = reader.list(RUNS_FOLDER)?;
    let own = keys
        .into_iter()
        .find(|(key, _)| parse_key(key).is_some_and(|identity| identity.run == run));
    Ok(own.and_then(|(key, size)| parse_for_run(&reader.read_all(&key, size).ok()?, run)))
}

/// Parses metadata, and returns it if it is of this run.
pub(crate) fn parse_for_run(text: &Bytes, run: &str) -> Option<Value> {
    let about: Value = serde_json::from_slice(text).ok()?;
    (about.get(RUN)?.as_str()? == run).then_some(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_metadata_is_found_by_its_run_and_replaced_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(folder.path().to_owned());
        let identity = Identity::new();
        assert_eq!(read_run_metadata(&store, &identity.run).unwrap(), None);
        write_run_metadata(&store, &identity, serde_json::json!({ "seed": 1 })).unwrap();
        write_run_metadata(&store, &Identity::new(), serde_json::json!({ "seed": 3 })).unwrap();
        write_run_metadata(&store, &identity, serde_json::json!({ "seed": 2 })).unwrap();
        let found = read_run_metadata(&store, &identity.run).unwrap().unwrap();
        assert_eq!(
            (&found["seed"], &found["host"]),
            (&2.into(), &identity.host.into())
        );
        let names = std::fs::read_dir(folder.path().join(RUNS_FOLDER)).unwrap();
        assert_eq!(names.count(), 2, "nothing but the two is left");
    }

    #[test]
    fn only_what_mockfleet_would_write_is_a_note() {
        let run = "01M87Y4E6N4V0JX7CWRZ4Z7D3Z";
        let host = parse_key(&format!("runs/my-host.lan-{run}.json"))
            .unwrap()
            .host;
        assert_eq!(host, "my-host.lan");
        for key in [
            format!("runs/-{run}.json"),
            format!("runs/{run}.json"),
            format!("runs/h-{run}.json.bak"),
            format!("runs/more/h-{run}.json"),
            format!("sends/h-{run}.json"),
            "runs/h-run.json".into(),
        ] {
            assert_eq!(parse_key(&key), None, "{key}");
        }
        assert!(started_at(run).is_some_and(|at| at.to_string().starts_with("20")));
    }
}
