//! Finishing what a process left behind: files on their way are delivered, records
//! become rows, and what cannot be read is set aside and counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::LogError;
use super::columns::Words;
use super::delivery::{Delivery, Manifest};
use super::encoder::{self, Encoder};
use super::progress::Shared;
use super::spool::{self, DAMAGED, Folder, HEADER, Header, Kind};
use mockfleet_config::Store;

/// What became of one run's spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The run.
    pub run: String,
    /// Rows of `sends` that were encoded only now.
    pub rows: u64,
    /// Rows of `events` that were encoded only now.
    pub events: u64,
    /// Messages among them whose outcome nobody knows.
    pub unconfirmed: u64,
    /// Files that were brought to the store only now.
    pub files: u64,
    /// Bytes that could not be read, and the folder where they are.
    pub set_aside: Option<(u64, PathBuf)>,
}

/// A store that takes nothing is tried for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Finishes all runs of a store whose process is gone.
///
/// # Errors
/// The first spool that cannot be finished; nothing of it is lost.
pub fn recover(store: &Store) -> Result<Vec<Recovered>, LogError> {
    let mut recovered = Vec::new();
    for path in spool::folders(store) {
        if let Some((folder, header)) = Folder::adopt(&path)?
            && belongs(store, &header)
        {
            recovered.extend(finish(store, &folder, header)?);
        }
    }
    Ok(recovered)
}

/// The spools of all buckets lie in one folder; that of a local store lies in it,
/// whatever it was called when it was written.
fn belongs(store: &Store, header: &Header) -> bool {
    match store {
        Store::Folder(_) => true,
        Store::S3 { .. } => header.store == super::location(store),
    }
}

fn finish(store: &Store, folder: &Folder, header: Header) -> Result<Option<Recovered>, LogError> {
    let path: Arc<Path> = folder.path().into();
    let wrong = |why: String| LogError::Spool {
        folder: path.display().to_string(),
        why,
    };
    let files = spool::files(&path).map_err(|error| wrong(error.to_string()))?;
    if files.is_empty() {
        return Ok(None);
    }
    let shared = Arc::new(Shared::default());
    shared.close_within(PATIENCE);
    let delivery = Delivery::open(store, Arc::clone(&path), Arc::clone(&shared))?;
    let manifests = files.iter().filter(|(_, kind, _)| *kind == Kind::Manifest);
    let mut left = Vec::new();
    for (generation, _, file) in manifests {
        let manifest = Manifest::read(file).map_err(|error| wrong(error.to_string()))?;
        encoder::free(&path, *generation).map_err(|error| wrong(error.to_string()))?;
        shared.pending(manifest.files.len());
        left.push(manifest);
    }
    delivery.run(left)?;
    let run = header.identity.run.clone();
    let words = Words {
        identity: header.identity,
        directory: header.directory,
        payload: header.payload,
    };
    let mut encoder = Encoder::new(words, Arc::clone(&path), Arc::clone(&shared));
    let set_aside = encode(&mut encoder, &path, &run).map_err(|error| wrong(error.to_string()))?;
    let unconfirmed = encoder.open();
    encoder
        .abandon("the process ended before the outcome was known")
        .map_err(|error| wrong(error.to_string()))?;
    let manifest = encoder.commit().map_err(|error| wrong(error.to_string()))?;
    encoder::free(&path, u64::MAX).map_err(|error| wrong(error.to_string()))?;
    shared.pending(manifest.files.len());
    delivery.run([manifest])?;
    let after = shared.progress();
    Ok(Some(Recovered {
        run,
        rows: after.rows,
        events: after.events,
        unconfirmed,
        files: after.files,
        set_aside,
    }))
}

/// Encodes all records that are left. What is damaged is copied to where nobody
/// deletes it.
fn encode(
    encoder: &mut Encoder,
    folder: &Path,
    run: &str,
) -> Result<Option<(u64, PathBuf)>, parquet::errors::ParquetError> {
    let files = spool::files(folder)?;
    // Parts that no manifest names are halves.
    for (_, _, part) in files.iter().filter(|(_, kind, _)| *kind == Kind::Part) {
        std::fs::remove_file(part)?;
    }
    let aside = folder.parent().unwrap_or(folder).join(DAMAGED).join(run);
    let mut unread = 0;
    let mut carried = false;
    for (generation, kind, path) in &files {
        encoder.generation = encoder.generation.max(*generation);
        // A later one repeats what is still open in the segments before it.
        let of_use = match kind {
            Kind::Carry => !std::mem::replace(&mut carried, true),
            Kind::Segment => true,
            Kind::Manifest | Kind::Part => false,
        };
        if !of_use {
            continue;
        }
        carried = true;
        let damaged = encoder.take(&std::fs::read(path)?)?;
        if damaged > 0 {
            unread += u64::try_from(damaged).unwrap_or(u64::MAX);
            std::fs::create_dir_all(&aside)?;
            // Says which store they are of.
            std::fs::copy(folder.join(HEADER), aside.join(HEADER))?;
            if let Some(name) = path.file_name() {
                std::fs::copy(path, aside.join(name))?;
            }
        }
    }
    Ok((unread > 0).then_some((unread, aside)))
}
