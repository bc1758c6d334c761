//! Repeats work whenever a file changes.
//!
//! Errors of the work are printed, and watching continues.

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::ui::out::err;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Time between two reads of file times: reading a few files takes microseconds, and notifications
/// differ between systems and do not exist over networks.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Time and size of each file, to detect changes.
type FileStates = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Does the work now and after each change of the files, until the process ends. Folders include
/// all files below them.
pub(crate) fn repeat_on_change(
    paths: impl Fn() -> Vec<PathBuf>,
    mut work: impl FnMut() -> Result<Ending, Failure>,
) -> Result<Ending, Failure> {
    loop {
        let before = file_states(&paths());
        match work() {
            Ok(_) => {}
            Err(failure) => failure.print(),
        }
        err!("watching; Ctrl-C ends it");
        // Changes during the work count too.
        let mut now = file_states(&paths());
        while now == before {
            std::thread::sleep(POLL_INTERVAL);
            now = file_states(&paths());
        }
        // Editors write a file in several steps: a change is over when two reads are equal.
        loop {
            std::thread::sleep(POLL_INTERVAL);
            let later = file_states(&paths());
            if later == now {
                break;
            }
            now = later;
        }
    }
}

fn file_states(paths: &[PathBuf]) -> FileStates {
    let mut states = FileStates::new();
    for path in paths {
        add_states(path, &mut states);
    }
    states
}

/// Adds the files below a path; unreadable files count as missing.
fn add_states(path: &Path, states: &mut FileStates) {
    if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten() {
            add_states(&entry.path(), states);
        }
    } else if let Ok(found) = path.metadata() {
        states.insert(path.to_owned(), (found.modified().ok(), found.len()));
    }
}
