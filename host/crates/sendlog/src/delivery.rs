//! The threads that bring finished files to the store: a rename, or one PUT to a key
//! that the rows determine, so that a repeated one overwrites itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::dock::{Cargo, Dock, Voyage};
use super::part::Finished;
use super::patience::until_it_works;
use super::progress::Shared;
use super::s3::Bucket;
use super::spool;
use mockfleet_config::Store;

/// The files of a generation, whole and on the disk: from here on, they are its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) generation: u64,
    pub(super) files: Vec<Finished>,
}

impl Manifest {
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let name = spool::manifest(self.generation);
        spool::put(folder, &name, &serde_json::to_vec_pretty(self)?)
    }

    pub(super) fn read(file: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(file)?)?)
    }
}

/// Files of a bucket that are on their way at the same time: each waits for the
/// network most of its time, and a store that is slow to answer takes several as fast
/// as one.
const FLIGHTS: usize = 4;

enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

pub(super) struct Delivery {
    place: Place,
    location: String,
    /// The run's folder in the spool.
    folder: Arc<Path>,
    shared: Arc<Shared>,
}

impl Delivery {
    /// Proves that the store takes files.
    pub(super) fn open(
        store: &Store,
        folder: Arc<Path>,
        shared: Arc<Shared>,
    ) -> Result<Self, LogError> {
        let location = super::location(store);
        let place = match store {
            Store::Folder(folder) => Place::Folder(folder.clone()),
            Store::S3 { bucket, prefix } => Bucket::open(bucket, prefix)
                .and_then(|bucket| bucket.prove().map(|()| Place::Bucket(bucket)))
                .map_err(|why| LogError::Store {
                    store: location.clone(),
                    why,
                })?,
        };
        Ok(Self {
            place,
            location,
            folder,
            shared,
        })
    }

    /// Brings all files of all these generations to the store, several at a time, and
    /// forgets each generation once its last file is there. Ends with the last of them,
    /// or when the log's patience does.
    pub(super) fn run(
        &self,
        manifests: impl IntoIterator<Item = Manifest>,
    ) -> Result<(), LogError> {
        let dock = Dock::default();
        std::thread::scope(|scope| {
            let closing = Closing(&dock);
            for _ in 0..self.at_once() {
                std::thread::Builder::new()
                    .name("log-upload".into())
                    .spawn_scoped(scope, || self.work(&dock))
                    .map_err(LogError::Thread)?;
            }
            for manifest in manifests {
                self.load(manifest, &dock)?;
            }
            drop(closing);
            Ok(())
        })?;
        dock.into_end()
    }

    /// How many files are on their way at the same time.
    fn at_once(&self) -> usize {
        match self.place {
            // A rename takes no time that anything could be gained of.
            Place::Folder(_) => 1,
            Place::Bucket(_) => FLIGHTS,
        }
    }

    fn load(&self, manifest: Manifest, dock: &Dock) -> Result<(), LogError> {
        let voyage = Voyage::new(manifest.generation, manifest.files.len());
        if manifest.files.is_empty() {
            return self.forget(&voyage);
        }
        for file in manifest.files {
            let part = std::fs::metadata(self.folder.join(&file.part));
            dock.push(Cargo {
                file,
                // One that a process before this one has freed is a question only.
                bytes: part.map_or(0, |part| part.len()),
                voyage: Arc::clone(&voyage),
            });
        }
        Ok(())
    }

    fn work(&self, dock: &Dock) {
        while let Some(Cargo {
            file,
            bytes,
            voyage,
        }) = dock.next()
        {
            dock.ended(bytes, self.deliver(&file, &voyage));
        }
    }

    fn deliver(&self, file: &Finished, voyage: &Voyage) -> Result<(), LogError> {
        let what = format!("{} takes no file", self.location);
        let bytes = until_it_works(&self.shared, &what, || self.bring(file))
            .map_err(|why| self.gave_up(&why))?;
        self.shared.delivered(bytes);
        match voyage.landed() {
            true => self.forget(voyage),
            false => Ok(()),
        }
    }

    fn forget(&self, voyage: &Voyage) -> Result<(), LogError> {
        std::fs::remove_file(self.folder.join(spool::manifest(voyage.generation)))
            .and_then(|()| spool::sync_folder(&self.folder))
            .map_err(|error| self.gave_up(&error.to_string()))
    }

    fn bring(&self, file: &Finished) -> Result<u64, String> {
        let part = self.folder.join(&file.part);
        match &self.place {
            Place::Folder(folder) => {
                rename(&part, &folder.join(&file.key)).map_err(|error| error.to_string())
            }
            Place::Bucket(bucket) => {
                let (uploaded, requests) = bucket.upload(&part, &file.key);
                self.shared.requested(requests);
                uploaded
            }
        }
    }

    fn gave_up(&self, why: &str) -> LogError {
        LogError::NotWhole {
            why: format!(
                "files did not reach {}: {why}; they lie in {}, and `mockfleet logs recover {}` brings them there",
                self.location,
                self.folder.display(),
                self.location
            ),
        }
    }
}

/// Lets those who wait at the dock go, also when whoever fills it gives up.
struct Closing<'a>(&'a Dock);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Puts a file in its place for good: the folder that names it is made durable too.
fn rename(from: &Path, to: &Path) -> std::io::Result<u64> {
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    match std::fs::rename(from, to) {
        // A try before this one came as far as the rename.
        Err(_) if !from.exists() && to.exists() => {}
        other => other?,
    }
    // The folder, the day's and the table's: each may be new.
    for folder in to.ancestors().skip(1).take(3) {
        File::open(folder)?.sync_all()?;
    }
    Ok(std::fs::metadata(to)?.len())
}
