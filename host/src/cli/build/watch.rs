//! Building again and again: whenever a file that the project is made from changes. What
//! goes wrong is said, and the watching goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use notify::{RecursiveMode, Watcher as _};

use super::super::{Ending, Failure};
use crate::cli::print::tell;
use crate::fleet::{PROJECT_FILE, Project};

/// Editors write a file in several steps: a change is over when nothing came for so long.
const SETTLED: Duration = Duration::from_millis(100);

/// What files look like, to tell a change from a mere touch: builds read what is watched,
/// and some systems report that too.
type Looks = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Builds now and after each change, until the process is ended.
pub(super) fn watch(
    project: &Project,
    build: impl Fn() -> Result<(), Failure>,
) -> Result<Ending, Failure> {
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event| {
        // Nobody listens any more: the command is ending.
        let _ = sender.send(event);
    })
    .context("changes of files cannot be watched")?;
    for path in &project.watch {
        watcher
            .watch(folder_of(path), RecursiveMode::Recursive)
            .with_context(|| format!("{} cannot be watched", path.display()))?;
    }
    if project.watch.is_empty() {
        let place = project.folder.join(PROJECT_FILE).display().to_string();
        let text = "watch names no files; write for example watch = [\"src\"]".to_owned();
        return Err(super::refused(&place, text));
    }
    loop {
        let before = looks(&project.watch);
        match build() {
            Ok(()) => {}
            Err(Failure::Input(problems)) => tell!("{problems}"),
            Err(Failure::Other(error)) => tell!("mockfleet: {error:#}"),
        }
        tell!("watching; Ctrl-C ends it");
        // What changed while it was built counts too.
        while looks(&project.watch) == before {
            if changes.recv().is_err() {
                return Ok(Ending::Done);
            }
            while !matches!(
                changes.recv_timeout(SETTLED),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)
            ) {}
        }
    }
}

/// A file is watched by its folder: many editors write a new one and move it there.
fn folder_of(path: &Path) -> &Path {
    if path.is_dir() {
        return path;
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
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
