//! Deletes files older than the retention while a run goes on.

use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use mockfleet_config::Store;

use crate::maintenance::prune::plan_prune;
use crate::write::progress::SharedProgress;

/// Time between two checks, 10 minutes. Files are deleted by the hour.
const CHECK_EVERY: Duration = Duration::from_secs(600);

/// Deletes files older than the retention, at once and then every ten minutes. Returns when
/// the sender of `over` is dropped.
pub(crate) fn delete_old_files(
    store: &Store,
    delete_old_files: Duration,
    shared: &SharedProgress,
    over: &Receiver<Infallible>,
) {
    loop {
        // A store without files is no error: there is nothing to delete.
        match plan_prune(store, delete_old_files) {
            Ok(old) => {
                let pruned = old.delete();
                shared.add_pruned(pruned.files);
                if pruned.files > 0 {
                    tracing::info!(
                        files = pruned.files,
                        bytes = pruned.bytes,
                        "files older than the retention were deleted"
                    );
                }
                for failed in pruned.failed {
                    shared.count_warning(&format!(
                        "{} is older than keep and cannot be deleted: {}",
                        failed.file, failed.why
                    ));
                }
            }
            Err(error) => shared.count_warning(&format!("keep: {error}")),
        }
        match over.recv_timeout(CHECK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(never) => match never {},
        }
    }
}
