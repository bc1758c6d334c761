//! Uploads finished files to the store, or renames them.
//!
//! An upload is a rename, or one PUT. The rows determine the key of the PUT, so that a
//! repeated upload overwrites itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

use mockfleet_config::Store;
use mockfleet_files::dir_handle::DirHandle;

use crate::error::log_error::LogError;
use crate::error::store_error::StoreError;
use crate::format::location::location;
use crate::format::schema::LogTable;
use crate::spool::files::manifest_name;
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
    Folder(DirHandle),
    Bucket(Bucket),
}

pub(crate) struct Uploader {
    backend: Backend,
    location: String,
    /// The run's folder in the spool.
    folder: Arc<DirHandle>,
    shared: Arc<SharedProgress>,
}

impl Uploader {
    /// Opens the store and proves that it accepts files.
    pub(crate) fn open(
        store: &Store,
        folder: Arc<DirHandle>,
        shared: Arc<SharedProgress>,
    ) -> Result<Self, LogError> {
        let location = location(store);
        let backend = match store {
            Store::Folder(folder) => open_folder(folder).map_err(StoreError::from),
            Store::S3 { bucket, prefix } => Bucket::open(bucket, prefix)
                .and_then(|bucket| bucket.probe().map(|()| Backend::Bucket(bucket))),
        };
        let backend = backend.map_err(|source| LogError::Store {
            store: location.clone(),
            source,
        })?;
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
            let part = self.folder.size(file.part.as_str());
            queue.push(UploadJob {
                file,
                // A file that an earlier process has already uploaded and removed has size 0
                // here.
                bytes: part.unwrap_or(0),
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
        self.folder
            .remove_file(&manifest_name(uploads.generation))
            .and_then(|()| self.folder.sync())
            .map_err(|error| self.upload_failed(error.into()))
    }

    fn upload(&self, file: &FinishedFile) -> Result<u64, StoreError> {
        match &self.backend {
            Backend::Folder(store) => Ok(rename(&self.folder, file, store)?),
            Backend::Bucket(bucket) => {
                let (part, key) = (file.part.as_str(), file.key.as_str());
                let (uploaded, requests) = bucket.upload(&self.folder, part, key);
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
            spool: self.folder.path().to_owned(),
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

/// Opens a local store. The folders of its tables must be no links, which would lead out of it.
fn open_folder(store: &Path) -> io::Result<Backend> {
    let store = DirHandle::open(store)?;
    for table in LogTable::ALL {
        match store.open_folder(table.name()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(Backend::Folder(store))
}

/// Moves a file from the spool into the store, and syncs the folders that name it. Returns its
/// size in bytes.
fn rename(spool: &DirHandle, file: &FinishedFile, store: &DirHandle) -> io::Result<u64> {
    let mut components: Vec<&str> = file.key.components().collect();
    let name = components.pop().unwrap_or_default();
    // The folders of the table, the day and the hour: each may be new.
    let mut folders: Vec<DirHandle> = Vec::with_capacity(components.len());
    for component in components {
        let folder = folders.last().unwrap_or(store).create_folder(component)?;
        folders.push(folder);
    }
    let hour = folders.last().unwrap_or(store);
    let moved = spool.rename(file.part.as_str(), hour, name);
    // An earlier try has already moved the file.
    if moved.is_err() && (spool.size(file.part.as_str()).is_ok() || hour.size(name).is_err()) {
        moved?;
    }
    for folder in folders.iter().rev() {
        folder.sync()?;
    }
    store.sync()?;
    hour.size(name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::format::file_name::LogKey;
    use crate::format::identity::Identity;
    use crate::spool::files::PartName;

    #[test]
    fn rows_count_as_stored_once_their_file_is_in_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, store) = (folder.path().join("spool"), folder.path().join("logs"));
        std::fs::create_dir_all(&spool).unwrap();
        std::fs::create_dir_all(&store).unwrap();
        let identity = Identity::new();
        let files = [(LogTable::Sends, 632), (LogTable::Events, 968)].map(|(table, rows)| {
            let part = PartName::new(table, 0, 1);
            std::fs::write(spool.join(part.as_str()), b"rows").unwrap();
            let key = LogKey::new(table, 0, &identity, 0, 9);
            FinishedFile { part, key, rows }
        });
        let shared = Arc::new(SharedProgress::default());
        shared.add_pending(files.len());
        shared.close_within(Duration::ZERO);
        let events = store.join("events");
        let store = Store::Folder(store);
        let spool = DirHandle::open(&spool).unwrap();
        let uploader = Uploader::open(&store, spool.into(), Arc::clone(&shared)).unwrap();
        // A file in the place of the table `events`, so that no file gets there.
        std::fs::write(events, b"").unwrap();
        let manifest = Manifest {
            generation: 0,
            files: files.into(),
        };
        assert!(uploader.run([manifest]).is_err());
        let counters = shared.progress().counters;
        assert_eq!((counters.stored_rows, counters.stored_events), (632, 0));
    }
}
