//! Completes the spool of a process that ended early.
//!
//! Uploads pending files, encodes records as rows, and sets damaged bytes aside with a count.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mockfleet_config::Store;
use mockfleet_files::dir_handle::DirHandle;

use crate::error::log_error::LogError;
use crate::error::spool_error::SpoolError;
use crate::format::location::location;
use crate::spool::files::FileKind;
use crate::spool::files::SpoolFile;
use crate::spool::files::free_segments;
use crate::spool::files::list_files;
use crate::spool::files::manifest_name;
use crate::spool::files::refuse_special_entries;
use crate::spool::folder::DAMAGED;
use crate::spool::folder::HEADER;
use crate::spool::folder::RunFolder;
use crate::spool::folder::RunHeader;
use crate::spool::folder::open_spool;
use crate::spool::folder::spool_entries;
use crate::spool::folder::spool_root;
use crate::spool::manifest::{FinishedFile, Manifest};
use crate::spool::segment_reader::SegmentReader;
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

/// The result of recovering a store.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// The runs that were completed, oldest first.
    pub runs: Vec<Recovered>,
    /// The folders and links in the spool that cannot be used, each with the cause. Nothing of
    /// them is changed.
    pub refused: Vec<LogError>,
}

/// Completes all runs of a store whose process has ended.
///
/// A spool that cannot be used keeps no other from being completed: it is left alone and
/// listed. All names in a spool are checked, since a log can come from somebody else: a file is
/// moved from the spool of its run into the log, and to no other place.
///
/// # Errors
/// The error of the first spool that cannot be completed. None of its rows is lost.
/// - [`LogError::Spool`] if the folder of all spools cannot be read.
/// - [`LogError::Store`] if the store does not accept files.
/// - [`LogError::NotUploaded`] if the store does not accept one of the files.
/// - [`LogError::Thread`] if the system refuses to create a thread.
pub fn recover(store: &Store) -> Result<Recovery, LogError> {
    let mut recovery = Recovery::default();
    let unreadable = |error| spool_error(&spool_root(store), error);
    let Some(spool) = open_spool(store).map_err(unreadable)? else {
        return Ok(recovery);
    };
    let spool = Arc::new(spool);
    let entries = spool_entries(&spool).map_err(unreadable)?;
    for run in entries.runs {
        match recover_run(store, &spool, &run) {
            Ok(recovered) => recovery.runs.extend(recovered),
            Err(error @ LogError::Spool { .. }) => recovery.refused.push(error),
            Err(error) => return Err(error),
        }
    }
    let refused = entries.links.into_iter().map(|name| {
        let cause = "it is a link, a pipe or a device".into();
        spool_error(spool.path(), SpoolError::Foreign { file: name, cause })
    });
    recovery.refused.extend(refused);
    Ok(recovery)
}

fn recover_run(
    store: &Store,
    spool: &Arc<DirHandle>,
    run: &str,
) -> Result<Option<Recovered>, LogError> {
    let path = spool.path().join(run);
    let adopted = RunFolder::adopt(spool, run).map_err(|error| spool_error(&path, error))?;
    match adopted {
        Some((folder, header)) if belongs(store, &header) => finish(store, &folder, header),
        _ => Ok(None),
    }
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
    let run_folder = folder.handle();
    let failed = |error: SpoolError| spool_error(run_folder.path(), error);
    refuse_special_entries(run_folder).map_err(failed)?;
    let files = list_files(run_folder).map_err(|error| failed(error.into()))?;
    if files.is_empty() {
        return Ok(None);
    }
    tracing::info!(run = %header.identity.run, files = files.len(), "recovery of a spool begins");
    let shared = Arc::new(SharedProgress::default());
    shared.close_within(CLOSE_TIMEOUT);
    let delivery = Uploader::open(store, Arc::clone(run_folder), Arc::clone(&shared))?;
    let manifests = files.iter().filter(|file| file.kind == FileKind::Manifest);
    let manifests = manifests.map(|file| Manifest::read(run_folder, file, &header.identity));
    // All are read before the first record is freed.
    let manifests: Vec<Manifest> = manifests.collect::<Result<_, _>>().map_err(failed)?;
    if let Store::Folder(store) = store {
        refuse_missing_files(run_folder, store, &manifests).map_err(failed)?;
    }
    for manifest in &manifests {
        free_segments(run_folder, manifest.generation).map_err(|error| failed(error.into()))?;
        shared.add_pending(manifest.files.len());
    }
    delivery.run(manifests)?;
    let run = header.identity.run.clone();
    let labels = LabelResolver {
        identity: header.identity,
        catalog: header.catalog,
        payload: header.payload,
    };
    let mut encoder = Encoder::new(labels, Arc::clone(run_folder), Arc::clone(&shared));
    let encoded = encode(&mut encoder, folder, &run);
    let set_aside = encoded.map_err(|error| failed(error.into()))?;
    let unconfirmed = encoder.open();
    encoder
        .abandon("the process ended before the outcome was known")
        .map_err(|error| failed(error.into()))?;
    let manifest = encoder.commit().map_err(|error| failed(error.into()))?;
    free_segments(run_folder, u64::MAX).map_err(|error| failed(error.into()))?;
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

/// Returns the error of a manifest with a file that is neither in the spool nor in the store: each
/// try to move it would fail.
fn refuse_missing_files(
    run_folder: &DirHandle,
    store: &Path,
    manifests: &[Manifest],
) -> Result<(), SpoolError> {
    let is_missing = |file: &&FinishedFile| {
        let stored = store.join(file.key.as_str());
        run_folder.size(file.part.as_str()).is_err() && stored.symlink_metadata().is_err()
    };
    for manifest in manifests {
        if let Some(file) = manifest.files.iter().find(is_missing) {
            return Err(SpoolError::Foreign {
                file: manifest_name(manifest.generation),
                cause: format!("its file {} is missing", file.part.as_str()),
            });
        }
    }
    Ok(())
}

/// Returns the error of a spool that cannot be completed.
fn spool_error(folder: &Path, error: impl Into<SpoolError>) -> LogError {
    LogError::Spool {
        folder: folder.to_owned(),
        source: error.into(),
    }
}

/// Encodes all records that are left. Damaged segments get a second name in a folder that only
/// the user deletes.
fn encode(
    encoder: &mut Encoder,
    run_folder: &RunFolder,
    run: &str,
) -> Result<Option<(u64, PathBuf)>, parquet::errors::ParquetError> {
    let folder = run_folder.handle();
    let files = list_files(folder)?;
    // Parts that no manifest names are incomplete.
    for part in files.iter().filter(|file| file.kind == FileKind::Part) {
        folder.remove_file(&part.name)?;
    }
    let mut unread = 0;
    let mut set_aside = None;
    let mut carried = false;
    for file in &files {
        encoder.generation = encoder.generation.max(file.generation);
        // A later carry file repeats the messages that are still open in the segments before
        // it.
        let of_use = match file.kind {
            FileKind::Carry => !std::mem::replace(&mut carried, true),
            FileKind::Segment => true,
            FileKind::Manifest | FileKind::Part => false,
        };
        if !of_use {
            continue;
        }
        carried = true;
        let damaged = encode_segment(encoder, folder, file)?;
        if damaged > 0 {
            unread += damaged;
            let aside = run_folder
                .spool()
                .create_folder(DAMAGED)?
                .create_folder(run)?;
            // The header names the store of these segments.
            folder.link_or_copy(HEADER, &aside, HEADER)?;
            folder.link_or_copy(&file.name, &aside, &file.name)?;
            set_aside = Some(aside.path().to_owned());
        }
    }
    Ok(set_aside.map(|aside| (unread, aside)))
}

/// Encodes the records of a segment. Returns the number of bytes that hold no record.
fn encode_segment(
    encoder: &mut Encoder,
    folder: &DirHandle,
    file: &SpoolFile,
) -> Result<u64, parquet::errors::ParquetError> {
    let mut segment = SegmentReader::new(folder.open_file(&file.name)?)?;
    let mut part = Vec::new();
    loop {
        segment.read_part(&mut part)?;
        let damaged = u64::try_from(encoder.take(&part)?).unwrap_or(u64::MAX);
        if part.is_empty() || damaged > 0 {
            return Ok(segment.left().saturating_add(damaged));
        }
    }
}
