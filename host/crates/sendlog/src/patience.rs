//! Trying again: what a disk or a store refuses now it may take in a while. One place
//! for how long to wait and when to stop.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::progress::Shared;

/// The first pause; each next one is twice as long.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause: a store that is back is noticed soon.
const LONGEST: Duration = Duration::from_secs(5);

/// Does something until it works, or until the log's patience ends.
pub(super) fn until_it_works<T, E: std::fmt::Display>(
    shared: &Shared,
    what: &str,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = FIRST;
    loop {
        match attempt() {
            Ok(done) => {
                if pause > FIRST {
                    shared.well();
                }
                return Ok(done);
            }
            Err(error) => {
                if !shared.trouble(format!("{what}: {error}")) {
                    return Err(error);
                }
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

/// A file whose writes are tried again: a full disk holds up the log and breaks
/// nothing.
#[derive(Debug)]
pub(super) struct PatientFile {
    file: File,
    path: PathBuf,
    shared: Arc<Shared>,
}

impl PatientFile {
    /// Makes the file.
    pub(super) fn create(path: &Path, shared: &Arc<Shared>) -> std::io::Result<Self> {
        let what = format!("{} cannot be made", path.display());
        let file = until_it_works(shared, &what, || File::create(path))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            shared: Arc::clone(shared),
        })
    }

    /// Makes sure that it outlives a loss of power.
    pub(super) fn sync(&mut self) -> std::io::Result<()> {
        let what = format!("{} cannot be written", self.path.display());
        let file = &self.file;
        until_it_works(&self.shared, &what, || file.sync_all())
    }
}

impl Write for PatientFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Self { file, path, shared } = self;
        let what = || format!("{} cannot be written", path.display());
        match file.write(bytes) {
            Ok(written) if written > 0 || bytes.is_empty() => Ok(written),
            _ => until_it_works(shared, &what(), || match file.write(bytes) {
                Ok(0) => Err(std::io::ErrorKind::WriteZero.into()),
                other => other,
            }),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
