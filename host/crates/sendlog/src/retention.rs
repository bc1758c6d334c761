//! `keep`: while a run goes on, files of its store whose hours are over for so long are
//! deleted. What is old, and mockfleet's, is `prune`'s to say.

use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::progress::Shared;
use super::prune::prune;
use mockfleet_config::Store;

/// How often it is looked: files go by the hour.
const LOOK: Duration = Duration::from_secs(600);

/// Deletes what is too old, at once and every now and then, until `over` is.
pub(super) fn keep(store: &Store, keep: Duration, shared: &Shared, over: &Receiver<Infallible>) {
    loop {
        // A store without a file is no trouble, and there is nothing to look for.
        match prune(store, keep) {
            Ok(old) => {
                let pruned = old.delete();
                shared.pruned(pruned.files);
                for failed in pruned.failed {
                    shared.aside(&format!(
                        "{} is older than keep and cannot be deleted: {}",
                        failed.file, failed.why
                    ));
                }
            }
            Err(error) => shared.aside(&format!("keep: {error}")),
        }
        match over.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(never) => match never {},
        }
    }
}
