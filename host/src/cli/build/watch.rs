//! Building again and again: whenever a file that the project is made from changes. What
//! goes wrong is said, and the watching goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::super::{Ending, Failure};
use crate::cli::print::tell;
use crate::fleet::Project;

/// How often files are looked at. They are few, and a look at one takes microseconds; what
/// systems report of changes differs from one to the next, and over networks there is none.
const GLANCE: Duration = Duration::from_millis(250);

/// What files look like, to tell whether they changed.
type Looks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Builds now and after each change, until the process is ended.
pub(super) fn watch(
    project: &Project,
    build: impl Fn() -> Result<(), Failure>,
) -> Result<Ending, Failure> {
    if project.watch.is_empty() {
        let place = project.file().display().to_string();
        let text = "watch names no files; write for example watch = [\"src\"]".to_owned();
        return Err(super::refused(&place, text));
    }
    loop {
        let built = looks(&project.watch);
        match build() {
            Ok(()) => {}
            Err(Failure::Input(problems)) => tell!("{problems}"),
            Err(Failure::Other(error)) => tell!("mockfleet: {error:#}"),
        }
        tell!("watching; Ctrl-C ends it");
        // What changed while it was built counts too.
        let mut now = looks(&project.watch);
        while now == built {
            std::thread::sleep(GLANCE);
            now = looks(&project.watch);
        }
        // Editors write a file in several steps: a change is over when two looks are alike.
        loop {
            std::thread::sleep(GLANCE);
            let later = looks(&project.watch);
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
