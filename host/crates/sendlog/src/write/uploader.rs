//! Uploads finished files to the store, or renames them.
//!
//! An upload is a rename, or one PUT. The rows determine the key of the PUT, so that a
//! repeated upload overwrites itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::store_error::StoreError;
use crate::format::location::location;
use crate::spool::files::manifest_name;
use crate::spool::files::sync_folder;
use crate::spool::manifest::FinishedFile;
use crate::spool::manifest::Manifest;
use crate::store::s3::Bucket;
use crate::write::progress::SharedProgress;
use crate::write::retry::retry_until_ok;
use crate::write::upload_queue::GenerationUploads;
use crate::write::upload_queue::UploadJob;
use crate::write::upload_queue::UploadQueue;

/// Number of concurrent uploads to a bucket. Each upload waits for the network most of the
/// time. A slow store handles several as fast as one.
const CONCURRENT_UPLOADS: usize = 4;

enum Backend {
    Folder(PathBuf),
    Bucket(Bucket),
}

pub(crate) struct Uploader {
    backend: Backend,
    location: String,
    /// The run's folder in the spool.
    folder: Arc<Path>,
    shared: Arc<SharedProgress>,
}

impl Uploader {
    /// Opens the store and proves that it accepts files.
    pub(crate) fn open(
        store: &Store,
        folder: Arc<Path>,
        shared: Arc<SharedProgress>,
    ) -> Result<Self, LogError> {
        let location = location(store);
        let backend = match store {
            Store::Folder(folder) => Backend::Folder(folder.clone()),
            Store::S3 { bucket, prefix } => Bucket::open(bucket, prefix)
                .and_then(|bucket| bucket.probe().map(|()| Backend::Bucket(bucket)))
                .map_err(|source| LogError::Store {
                    store: location.clone(),
                    source,
                })?,
        };
        Ok(Self {
            backend,
            location,
            folder,
            shared,
        })
    }

    /// Uploads the files of all these generations, several at a time. Removes the manifest of
    /// a generation once its last file is in the store. Returns after the last upload, or when
    /// the log's timeout ends.
    pub(crate) fn run(
        &self,
        manifests: impl IntoIterator<Item = Manifest>,
    ) -> Result<(), LogError> {
        let queue = UploadQueue::default();
        std::thread::scope(|scope| {
            let closing = CloseOnDrop(&queue);
            for _ in 0..self.concurrency() {
                std::thread::Builder::new()
                    .name("log-upload".into())
                    .spawn_scoped(scope, || self.work(&queue))
                    .map_err(LogError::Thread)?;
            }
            for manifest in manifests {
                self.enqueue(manifest, &queue)?;
            }
            drop(closing);
            Ok(())
        })?;
        queue.into_result()
    }

    /// Number of concurrent uploads.
    fn concurrency(&self) -> usize {
        match self.backend {
            // A rename takes too little time to gain from concurrency.
            Backend::Folder(_) => 1,
            Backend::Bucket(_) => CONCURRENT_UPLOADS,
        }
    }

    fn enqueue(&self, manifest: Manifest, queue: &UploadQueue) -> Result<(), LogError> {
        let uploads = GenerationUploads::new(manifest.generation, manifest.files.len());
        if manifest.files.is_empty() {
            return self.remove_manifest(&uploads);
        }
        for file in manifest.files {
            let part = std::fs::metadata(self.folder.join(&file.part));
            queue.push(UploadJob {
                file,
                // A file that an earlier process has already uploaded and removed has size 0
                // here.
                bytes: part.map_or(0, |part| part.len()),
                uploads: Arc::clone(&uploads),
            });
        }
        Ok(())
    }

    fn work(&self, queue: &UploadQueue) {
        while let Some(UploadJob {
            file,
            bytes,
            uploads,
        }) = queue.next()
        {
            queue.complete(bytes, self.upload_with_retry(&file, &uploads));
        }
    }

    fn upload_with_retry(
        &self,
        file: &FinishedFile,
        uploads: &GenerationUploads,
    ) -> Result<(), LogError> {
        let what = format!("{} takes no file", self.location);
        let bytes = retry_until_ok(&self.shared, &what, || self.upload(file))
            .map_err(|error| self.upload_failed(error))?;
        self.shared.add_uploaded(file, bytes);
        match uploads.complete_one() {
            true => self.remove_manifest(uploads),
            false => Ok(()),
        }
    }

    fn remove_manifest(&self, uploads: &GenerationUploads) -> Result<(), LogError> {
        std::fs::remove_file(self.folder.join(manifest_name(uploads.generation)))
            .and_then(|()| sync_folder(&self.folder))
            .map_err(|error| self.upload_failed(error.into()))
    }

    fn upload(&self, file: &FinishedFile) -> Result<u64, StoreError> {
        let part = self.folder.join(&file.part);
        match &self.backend {
            Backend::Folder(folder) => Ok(rename(&part, &folder.join(&file.key))?),
            Backend::Bucket(bucket) => {
                let (uploaded, requests) = bucket.upload(&part, &file.key);
                self.shared.add_requests(requests);
                uploaded
            }
        }
    }

    fn upload_failed(&self, source: StoreError) -> LogError {
        let cause = source.to_string();
        tracing::warn!(store = %self.location, cause, "upload given up");
        LogError::NotUploaded {
            store: self.location.clone(),
            spool: self.folder.to_path_buf(),
            source: Box::new(source),
        }
    }
}

/// Closes the queue when dropped, so that its workers end even if enqueueing fails.
struct CloseOnDrop<'a>(&'a UploadQueue);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Renames a file into place, and syncs the folders that name it.
fn rename(from: &Path, to: &Path) -> std::io::Result<u64> {
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    match std::fs::rename(from, to) {
        // An earlier try has already renamed the file.
        Err(_) if !from.exists() && to.exists() => {}
        other => other?,
    }
    // Syncs the folders of the hour, the day and the table: each may be new.
    for folder in to.ancestors().skip(1).take(3) {
        File::open(folder)?.sync_all()?;
    }
    Ok(std::fs::metadata(to)?.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::format::schema::LogTable;

    #[test]
    fn rows_count_as_stored_once_their_file_is_in_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, store) = (folder.path().join("spool"), folder.path().join("logs"));
        std::fs::create_dir_all(&spool).unwrap();
        std::fs::create_dir_all(&store).unwrap();
        // A file in the place of the table `events`, so that no file gets there.
        std::fs::write(store.join("events"), b"").unwrap();
        let files = [(LogTable::Sends, 632), (LogTable::Events, 968)].map(|(table, rows)| {
            let part = format!("{}-000000-1.part", table.name());
            std::fs::write(spool.join(&part), b"rows").unwrap();
            FinishedFile {
                key: format!("{}/dt=2026-01-01/hour=00/x.parquet", table.name()),
                part,
                table,
                rows,
            }
        });
        let shared = Arc::new(SharedProgress::default());
        shared.add_pending(files.len());
        shared.close_within(Duration::ZERO);
        let store = Store::Folder(store);
        let uploader = Uploader::open(&store, spool.as_path().into(), Arc::clone(&shared)).unwrap();
        let manifest = Manifest {
            generation: 0,
            files: files.into(),
        };
        assert!(uploader.run([manifest]).is_err());
        let counters = shared.progress().counters;
        assert_eq!((counters.stored_rows, counters.stored_events), (632, 0));
    }
}
