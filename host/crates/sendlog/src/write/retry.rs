//! Retries failed store operations with a back-off.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mockfleet_files::dir_handle::DirHandle;

use crate::write::progress::SharedProgress;

/// The first pause. Each later pause is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest pause: 5 s, so that a store that works again is used soon.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Repeats an operation until it succeeds, or until the log's timeout ends.
pub(crate) fn retry_until_ok<T, E: std::fmt::Display>(
    shared: &SharedProgress,
    failure: &str,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pause = FIRST_BACKOFF;
    loop {
        match attempt() {
            Ok(done) => {
                if pause > FIRST_BACKOFF {
                    tracing::info!(operation = failure, "retry succeeded");
                    shared.clear_warning();
                }
                return Ok(done);
            }
            Err(error) => {
                if pause == FIRST_BACKOFF {
                    tracing::warn!(operation = failure, %error, "retry begins");
                }
                if !shared.report_failure(format!("{failure}: {error}")) {
                    return Err(error);
                }
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(MAX_BACKOFF);
    }
}

/// A file whose writes are retried, so that a full disk delays the log and breaks nothing.
#[derive(Debug)]
pub(crate) struct RetryingFile {
    file: File,
    path: PathBuf,
    shared: Arc<SharedProgress>,
}

impl RetryingFile {
    /// Creates the file.
    pub(crate) fn create(
        folder: &DirHandle,
        name: &str,
        shared: &Arc<SharedProgress>,
    ) -> std::io::Result<Self> {
        let path = folder.path().join(name);
        let failure = format!("{} cannot be made", path.display());
        let file = retry_until_ok(shared, &failure, || folder.create_file(name))?;
        Ok(Self {
            file,
            path,
            shared: Arc::clone(shared),
        })
    }

    /// Syncs the file, so that it survives a loss of power.
    pub(crate) fn sync(&mut self) -> std::io::Result<()> {
        let failure = format!("{} cannot be written", self.path.display());
        let file = &self.file;
        retry_until_ok(&self.shared, &failure, || file.sync_all())
    }
}

impl Write for RetryingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Self { file, path, shared } = self;
        let failure = || format!("{} cannot be written", path.display());
        match file.write(bytes) {
            Ok(written) if written > 0 || bytes.is_empty() => Ok(written),
            _ => retry_until_ok(shared, &failure(), || match file.write(bytes) {
                Ok(0) => Err(std::io::ErrorKind::WriteZero.into()),
                other => other,
            }),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
