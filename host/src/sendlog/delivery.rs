//! The thread that brings finished files to the store: a rename, or one PUT to a key
//! that the rows determine, so that a repeated one overwrites itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::LogError;
use super::part::Finished;
use super::patience::until_it_works;
use super::progress::Shared;
use super::s3::Bucket;
use crate::fleet::Store;

enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

pub(super) struct Delivery {
    place: Place,
    location: String,
    shared: Arc<Shared>,
}

impl Delivery {
    /// Proves that the store takes files.
    pub(super) fn open(store: &Store, shared: &Arc<Shared>) -> Result<Self, LogError> {
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
            shared: Arc::clone(shared),
        })
    }

    /// Works until the encoder is gone and all its files are delivered.
    pub(super) fn run(self, finished: &Receiver<Finished>) -> Result<(), LogError> {
        while let Ok(file) = finished.recv() {
            let what = format!("{} takes no file", self.location);
            let delivered = until_it_works(&self.shared, &what, || self.deliver(&file));
            match delivered {
                Ok(bytes) => self.shared.delivered(bytes),
                Err(why) => return Err(self.give_up(&file, &why, finished)),
            }
        }
        Ok(())
    }

    fn deliver(&self, file: &Finished) -> Result<u64, String> {
        let done = match &self.place {
            Place::Folder(folder) => rename(&file.path, &folder.join(&file.key)),
            Place::Bucket(bucket) => return bucket.upload(&file.path, &file.key),
        };
        done.map_err(|error| error.to_string())
    }

    fn give_up(&self, file: &Finished, why: &str, rest: &Receiver<Finished>) -> LogError {
        let files = 1 + rest.iter().count();
        let folder = file.path.parent().unwrap_or(Path::new("."));
        LogError::NotWhole {
            why: format!(
                "{files} files did not reach {}: {why}; they are whole Parquet files and lie in {}",
                self.location,
                folder.display()
            ),
        }
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
