//! Names, lists and frees the files of a run's spool folder.

use std::io;

use mockfleet_files::dir_handle::{DirHandle, Entry, EntryKind};
use serde::{Deserialize, Serialize};

use crate::error::spool_error::SpoolError;
use crate::format::schema::LogTable;

/// Maximum size of a manifest, 16 MiB. It has some hundred bytes for each of at most some
/// hundred files.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

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

/// Reads the manifest with this name.
pub(crate) fn read_manifest(folder: &DirHandle, name: &str) -> io::Result<Vec<u8>> {
    folder.read(name, MAX_MANIFEST_BYTES)
}

/// The name of a Parquet file in the spool. It leads to no other folder, whoever wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct PartName(String);

impl PartName {
    pub(crate) fn new(table: LogTable, generation: u64, number: u64) -> Self {
        Self(format!("{}-{generation:06}-{number}.part", table.name()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PartName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match file_kind(&name) {
            Some((_, FileKind::Part)) => Ok(Self(name)),
            _ => Err(format!("{name:?} is no file of a spool")),
        }
    }
}

impl From<PartName> for String {
    fn from(name: PartName) -> Self {
        name.0
    }
}

/// The kind of a file in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    Carry,
    Segment,
    Manifest,
    Part,
}

/// A file in the spool folder of a run. Files sort by generation. Within a generation, the
/// carry file is first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SpoolFile {
    pub(crate) generation: u64,
    pub(crate) kind: FileKind,
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Lists the files of a run in their order.
pub(crate) fn list_files(folder: &DirHandle) -> io::Result<Vec<SpoolFile>> {
    let entries = folder.entries()?.into_iter();
    let mut files: Vec<SpoolFile> = entries.filter_map(spool_file).collect();
    files.sort();
    Ok(files)
}

/// Returns the error of a run's folder that has a link, a pipe or a folder in it. mockfleet writes
/// regular files only.
pub(crate) fn refuse_special_entries(folder: &DirHandle) -> Result<(), SpoolError> {
    let mut entries = folder.entries()?.into_iter();
    match entries.find(|entry| entry.kind != EntryKind::File) {
        Some(entry) => Err(SpoolError::Foreign {
            file: entry.name,
            cause: "it is no regular file".into(),
        }),
        None => Ok(()),
    }
}

fn spool_file(entry: Entry) -> Option<SpoolFile> {
    let (generation, kind) = file_kind(&entry.name)?;
    (entry.kind == EntryKind::File).then_some(SpoolFile {
        generation,
        kind,
        name: entry.name,
        size: entry.size,
    })
}

/// Returns the generation and the kind of the file with this name. Parts belong to the
/// generation of their manifest, and have 0.
fn file_kind(name: &str) -> Option<(u64, FileKind)> {
    let (stem, ending) = name.split_once('.')?;
    match (ending, stem.split_once('-')) {
        ("seg", Some(("carry", generation))) => Some((number(generation)?, FileKind::Carry)),
        ("seg", Some((worker, generation))) => {
            number(worker)?;
            Some((number(generation)?, FileKind::Segment))
        }
        ("json", None) => Some((number(stem)?, FileKind::Manifest)),
        ("part", Some((table, rest))) => {
            let (generation, part) = rest.split_once('-')?;
            let is_table = LogTable::ALL.iter().any(|known| known.name() == table);
            (number(generation).is_some() && number(part).is_some() && is_table)
                .then_some((0, FileKind::Part))
        }
        _ => None,
    }
}

fn number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

/// Deletes the records of all generations up to this one, which are encoded.
pub(crate) fn free_segments(folder: &DirHandle, generation: u64) -> io::Result<()> {
    for file in list_files(folder)? {
        if file.generation <= generation && matches!(file.kind, FileKind::Segment | FileKind::Carry)
        {
            folder.remove_file(&file.name)?;
        }
    }
    folder.sync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_generation_and_kind() {
        let part = PartName::new(LogTable::Sends, 3, 17);
        for (name, found) in [
            (segment_name(2, 7), Some((7, FileKind::Segment))),
            (carry_name(7), Some((7, FileKind::Carry))),
            (
                manifest_name(1_234_567),
                Some((1_234_567, FileKind::Manifest)),
            ),
            (part.as_str().to_owned(), Some((0, FileKind::Part))),
            ("run.json".into(), None),
            ("lock".into(), None),
            ("evil.part".into(), None),
            ("sends-1-../../x.part".into(), None),
            ("+1.json".into(), None),
            ("000001.json.draft".into(), None),
        ] {
            assert_eq!(file_kind(&name), found, "{name}");
        }
        assert_eq!(PartName::try_from(String::from(part.clone())), Ok(part));
        for name in ["../victim", "/etc/passwd", "evil.part", "000001.json", ""] {
            assert!(PartName::try_from(name.to_owned()).is_err(), "{name}");
        }
    }
}
