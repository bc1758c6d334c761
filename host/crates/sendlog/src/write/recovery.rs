//! Completes the spool of a process that ended early.
//!
//! Uploads pending files, encodes records as rows, and sets damaged bytes aside with a count.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::spool_error::SpoolError;
use crate::format::location::location;
use crate::spool::files::FileKind;
use crate::spool::files::free_segments;
use crate::spool::files::list_files;
use crate::spool::folder::DAMAGED;
use crate::spool::folder::HEADER;
use crate::spool::folder::RunFolder;
use crate::spool::folder::RunHeader;
use crate::spool::folder::run_folders;
use crate::spool::manifest::Manifest;
use crate::write::columns::LabelResolver;
use crate::write::encoder::Encoder;
use crate::write::progress::SharedProgress;
use crate::write::uploader::Uploader;

/// The result of recovering one run's spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The run.
    pub run: String,
    /// Rows of `sends` that reached the store only now.
    pub rows: u64,
    /// Rows of `events` that reached the store only now.
    pub events: u64,
    /// Messages among these rows whose outcome is unknown.
    pub unconfirmed: u64,
    /// Files that were uploaded only now.
    pub files: u64,
    /// Number of bytes that could not be read, and the folder with their copies.
    pub set_aside: Option<(u64, PathBuf)>,
}

/// Time for which uploads to a failing store are tried again.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Completes all runs of a store whose process has ended.
///
/// # Errors
/// The error of the first spool that cannot be completed. None of its rows is lost.
/// - [`LogError::Spool`] if the spool cannot be read or written.
/// - [`LogError::Store`] if the store does not accept files.
/// - [`LogError::NotUploaded`] if the store does not accept one of the files.
/// - [`LogError::Thread`] if the system refuses to create a thread.
pub fn recover(store: &Store) -> Result<Vec<Recovered>, LogError> {
    let mut recovered = Vec::new();
    for path in run_folders(store) {
        let adopted = RunFolder::adopt(&path).map_err(|error| spool_error(&path, error))?;
        if let Some((folder, header)) = adopted
            && belongs(store, &header)
        {
            recovered.extend(finish(store, &folder, header)?);
        }
    }
    Ok(recovered)
}

/// Returns whether a spool belongs to a store. The spools of all buckets share one folder. The
/// spool of a local store is inside the store, and so belongs to it under any name.
fn belongs(store: &Store, header: &RunHeader) -> bool {
    match store {
        Store::Folder(_) => true,
        Store::S3 { .. } => header.store == location(store),
    }
}

fn finish(
    store: &Store,
    folder: &RunFolder,
    header: RunHeader,
) -> Result<Option<Recovered>, LogError> {
    let path: Arc<Path> = folder.path().into();
    let files = list_files(&path).map_err(|error| spool_error(&path, error))?;
    if files.is_empty() {
        return Ok(None);
    }
    tracing::info!(run = %header.identity.run, files = files.len(), "recovery of a spool begins");
    let shared = Arc::new(SharedProgress::default());
    shared.close_within(CLOSE_TIMEOUT);
    let delivery = Uploader::open(store, Arc::clone(&path), Arc::clone(&shared))?;
    let manifests = files
        .iter()
        .filter(|(_, kind, _)| *kind == FileKind::Manifest);
    let mut manifests_left = Vec::new();
    for (generation, _, file) in manifests {
        let manifest = Manifest::read(file).map_err(|error| spool_error(&path, error))?;
        free_segments(&path, *generation).map_err(|error| spool_error(&path, error))?;
        shared.add_pending(manifest.files.len());
        manifests_left.push(manifest);
    }
    delivery.run(manifests_left)?;
    let run = header.identity.run.clone();
    let labels = LabelResolver {
        identity: header.identity,
        catalog: header.catalog,
        payload: header.payload,
    };
    let mut encoder = Encoder::new(labels, Arc::clone(&path), Arc::clone(&shared));
    let set_aside = encode(&mut encoder, &path, &run).map_err(|error| spool_error(&path, error))?;
    let unconfirmed = encoder.open();
    encoder
        .abandon("the process ended before the outcome was known")
        .map_err(|error| spool_error(&path, error))?;
    let manifest = encoder
        .commit()
        .map_err(|error| spool_error(&path, error))?;
    free_segments(&path, u64::MAX).map_err(|error| spool_error(&path, error))?;
    shared.add_pending(manifest.files.len());
    delivery.run([manifest])?;
    let after = shared.progress().counters;
    Ok(Some(Recovered {
        run,
        rows: after.stored_rows,
        events: after.stored_events,
        unconfirmed,
        files: after.files,
        set_aside,
    }))
}

/// Returns the error of a spool that cannot be completed.
fn spool_error(folder: &Path, error: impl Into<SpoolError>) -> LogError {
    LogError::Spool {
        folder: folder.to_owned(),
        source: error.into(),
    }
}

/// Encodes all records that are left. Damaged segments are copied to a folder that only the
/// user deletes.
fn encode(
    encoder: &mut Encoder,
    folder: &Path,
    run: &str,
) -> Result<Option<(u64, PathBuf)>, parquet::errors::ParquetError> {
    let files = list_files(folder)?;
    // Parts that no manifest names are incomplete.
    for (_, _, part) in files.iter().filter(|(_, kind, _)| *kind == FileKind::Part) {
        std::fs::remove_file(part)?;
    }
    let aside = folder.parent().unwrap_or(folder).join(DAMAGED).join(run);
    let mut unread = 0;
    let mut carried = false;
    for (generation, kind, path) in &files {
        encoder.generation = encoder.generation.max(*generation);
        // A later carry file repeats the messages that are still open in the segments before
        // it.
        let of_use = match kind {
            FileKind::Carry => !std::mem::replace(&mut carried, true),
            FileKind::Segment => true,
            FileKind::Manifest | FileKind::Part => false,
        };
        if !of_use {
            continue;
        }
        carried = true;
        let damaged = encoder.take(&std::fs::read(path)?)?;
        if damaged > 0 {
            unread += u64::try_from(damaged).unwrap_or(u64::MAX);
            std::fs::create_dir_all(&aside)?;
            // The header names the store of these segments.
            std::fs::copy(folder.join(HEADER), aside.join(HEADER))?;
            if let Some(name) = path.file_name() {
                std::fs::copy(path, aside.join(name))?;
            }
        }
    }
    Ok((unread > 0).then_some((unread, aside)))
}
