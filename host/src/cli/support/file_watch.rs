//! Doing something again whenever a file changes. What goes wrong is said, and the watching
//! goes on. Knows nothing of what is done, and which files matter is told each time.

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::ui::out::err;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often files are looked at. They are few, and a look at one takes microseconds; what
/// systems report of changes differs from one to the next, and over networks there is none.
const GLANCE: Duration = Duration::from_millis(250);

/// What files look like, to tell whether they changed.
type Looks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Does the work now and after each change of the files (folders are looked through), until
/// the process is ended.
pub(crate) fn repeat_on_change(
    paths: impl Fn() -> Vec<PathBuf>,
    mut work: impl FnMut() -> Result<Ending, Failure>,
) -> Result<Ending, Failure> {
    loop {
        let before = looks(&paths());
        match work() {
            Ok(_) => {}
            Err(failure) => failure.print(),
        }
        err!("watching; Ctrl-C ends it");
        // What changed during the work counts too.
        let mut now = looks(&paths());
        while now == before {
            std::thread::sleep(GLANCE);
            now = looks(&paths());
        }
        // Editors write a file in several steps: a change is over when two looks are alike.
        loop {
            std::thread::sleep(GLANCE);
            let later = looks(&paths());
            if later == now {
                break;
            }
            now = later;
        }
    }
}

fn looks(paths: &[PathBuf]) -> Looks {
    let mut looks = Looks::new();
    for path in paths {
        look(path, &mut looks);
    }
    looks
}

/// What cannot be read looks like what is not there.
fn look(path: &Path, looks: &mut Looks) {
    if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten() {
            look(&entry.path(), looks);
        }
    } else if let Ok(found) = path.metadata() {
        looks.insert(path.to_owned(), (found.modified().ok(), found.len()));
    }
}
