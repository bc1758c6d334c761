//! Names, lists, writes and frees the files of a run's spool folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The extension of a small file that is not finished.
pub(crate) const DRAFT: &str = "draft";

/// Writes a small file that is either complete or absent, and survives a loss of power.
pub(crate) fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.{DRAFT}"));
    let written = File::create(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&draft, folder.join(name))) {
        // An incomplete file has no use, and its space may be needed.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    sync_folder(folder)
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The name of a worker's segment.
pub(crate) fn segment_name(worker: u32, generation: u64) -> String {
    format!("{worker:04}-{generation:06}.seg")
}

/// The name of the file with the messages that a generation begins with.
pub(crate) fn carry_name(generation: u64) -> String {
    format!("carry-{generation:06}.seg")
}

/// The name of a generation's manifest.
pub(crate) fn manifest_name(generation: u64) -> String {
    format!("{generation:06}.json")
}

/// The kind of a file in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    Carry,
    Segment,
    Manifest,
    Part,
}

/// Lists the files of a run by generation. Within a generation, its carry file is first.
pub(crate) fn list_files(folder: &Path) -> io::Result<Vec<(u64, FileKind, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((stem, ending)) = name.split_once('.') else {
            continue;
        };
        let numbers = |text: &str| text.parse::<u64>().ok();
        let found = match (ending, stem.split_once('-')) {
            ("seg", Some(("carry", generation))) => {
                numbers(generation).map(|g| (g, FileKind::Carry))
            }
            ("seg", Some((_, generation))) => numbers(generation).map(|g| (g, FileKind::Segment)),
            ("json", None) => numbers(stem).map(|g| (g, FileKind::Manifest)),
            ("part", _) => Some((0, FileKind::Part)),
            _ => None,
        };
        if let Some((generation, kind)) = found {
            files.push((generation, kind, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Deletes the records of all generations up to this one, which are encoded.
pub(crate) fn free_segments(folder: &Path, generation: u64) -> std::io::Result<()> {
    for (of, kind, path) in list_files(folder)? {
        if of <= generation && matches!(kind, FileKind::Segment | FileKind::Carry) {
            std::fs::remove_file(path)?;
        }
    }
    sync_folder(folder)
}
