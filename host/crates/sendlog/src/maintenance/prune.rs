//! Finds and deletes log files older than a given age.
//!
//! Deletes only files that mockfleet wrote: the name must be one of its names, and the footer
//! must have the same run and host.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::file_name::FileName;
use crate::format::schema::LogTable;
use crate::read::footer::Footer;
use crate::read::stats::SkippedFile;
use crate::spool::spool_status::SpoolFolder;
use crate::spool::spool_status::spool_folders;
use crate::store::run_metadata;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// A file that is old enough, and that mockfleet wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldFile {
    /// The path below the store's root, with slashes.
    pub key: String,
    /// The run that wrote the file.
    pub run: String,
    /// Size of the file.
    pub bytes: u64,
}

/// Files and bytes of a run in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSize {
    /// Number of files.
    pub files: u64,
    /// Size of the files.
    pub bytes: u64,
    /// Number of files that are old enough.
    pub old_files: u64,
    /// Size of the files that are old enough.
    pub old_bytes: u64,
}

/// The files and spool folders that can be deleted.
#[derive(Debug)]
pub struct PrunePlan {
    /// Rows of hours that ended before this time are deleted.
    pub before: Timestamp,
    /// The files to delete, in the order of names.
    pub files: Vec<OldFile>,
    /// All runs of the store, by id. Ids sort by time.
    pub runs: BTreeMap<String, RunSize>,
    /// Files that are kept, because mockfleet did not write them or cannot verify that it did.
    pub skipped: Vec<SkippedFile>,
    /// The folders of the spool.
    pub spool: Vec<SpoolFolder>,
    reader: StoreReader,
}

/// The result of a deletion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Number of files that were deleted.
    pub files: u64,
    /// Size of these files.
    pub bytes: u64,
    /// Number of spool folders that were deleted.
    pub spool: u64,
    /// Files that could not be deleted.
    pub failed: Vec<SkippedFile>,
}

/// Finds files of mockfleet for hours that ended at least `older_than` ago. Deletes nothing.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read.
pub fn plan_prune(store: &Store, older_than: Duration) -> Result<PrunePlan, LogError> {
    let reader = StoreReader::open(store)?;
    let before = Timestamp::now()
        .saturating_sub(older_than)
        .unwrap_or(Timestamp::MIN);
    let mut found = reader.files(LogTable::Sends)?;
    found.extend(reader.files(LogTable::Events)?);
    let (mut runs, mut skipped) = (BTreeMap::<String, RunSize>::new(), Vec::new());
    let mut old = Vec::new();
    let mut leave = |file: &ObjectMeta, why: String| {
        skipped.push(SkippedFile {
            file: reader.display_name(&file.key),
            bytes: file.size,
            why,
        });
    };
    for file in found {
        match (FileName::parse(&file.key), &file.problem) {
            (Some(name), None) if name.ended_before(before) => old.push((file, name)),
            (Some(name), None) => runs.entry(name.run).or_default().add(&file),
            (_, Some(problem)) => leave(&file, problem.to_string()),
            (None, None) => leave(&file, "its name is none of mockfleet's".into()),
        }
    }
    let spool = spool_folders(store);
    let proofs = reader.map_concurrently(&old, |(file, name)| proof(&reader, file, name));
    let mut files = Vec::new();
    for ((file, name), proof) in old.into_iter().zip(proofs) {
        if let Err(error) = proof {
            leave(&file, error.to_string());
            continue;
        }
        let run = runs.entry(name.run.clone()).or_default();
        run.add(&file);
        run.old_files += 1;
        run.old_bytes += file.size;
        files.push(OldFile {
            key: file.key,
            run: name.run,
            bytes: file.size,
        });
    }
    for (key, bytes) in reader.list(run_metadata::RUNS_FOLDER)? {
        let Some(run) = run_metadata::parse_key(&key).map(|identity| identity.run) else {
            continue;
        };
        // The run metadata describes the rows of a run. It is kept while the run has rows, or
        // may still get some from its spool.
        let has_rows = runs
            .get(&run)
            .is_some_and(|size| size.files > size.old_files)
            || spool.iter().any(|left| left.run == run);
        let is_old = run_metadata::started_at(&run).is_some_and(|began| began < before);
        let is_note = || {
            let text = reader.read_all(&key, bytes).ok();
            text.is_some_and(|text| run_metadata::parse_for_run(&text, &run).is_some())
        };
        if is_old && !has_rows && is_note() {
            files.push(OldFile { key, run, bytes });
        }
    }
    Ok(PrunePlan {
        before,
        files,
        runs,
        skipped,
        spool,
        reader,
    })
}

impl RunSize {
    fn add(&mut self, file: &ObjectMeta) {
        self.files += 1;
        self.bytes += file.size;
    }
}

/// Checks that the footer and the name of a file agree on run and host.
fn proof(reader: &StoreReader, file: &ObjectMeta, name: &FileName) -> Result<(), ReadError> {
    let footer = Footer::read(reader, file)?;
    if footer.run == name.run && footer.host == name.host {
        return Ok(());
    }
    Err(ReadError::OtherRun {
        run: footer.run,
        host: footer.host,
    })
}

impl PrunePlan {
    /// Deletes the files, the folders of hours and days that are empty then, and the old
    /// folders of the spool.
    #[must_use]
    pub fn delete(&self) -> Pruned {
        let keys: Vec<&str> = self.files.iter().map(|file| file.key.as_str()).collect();
        let mut pruned = Pruned::default();
        for (file, ended) in self.files.iter().zip(self.reader.delete(&keys)) {
            match ended {
                Ok(()) => {
                    pruned.files += 1;
                    pruned.bytes += file.bytes;
                }
                Err(error) => pruned.failed.push(SkippedFile {
                    file: self.reader.display_name(&file.key),
                    bytes: file.bytes,
                    why: error.to_string(),
                }),
            }
        }
        for left in self.old_spool() {
            match left.delete() {
                Ok(()) => pruned.spool += 1,
                Err(error) => pruned.failed.push(SkippedFile {
                    file: left.folder.display().to_string(),
                    bytes: left.bytes,
                    why: error.to_string(),
                }),
            }
        }
        pruned
    }

    /// Returns the spool folders to delete: old enough, and without rows that recovery could
    /// write.
    pub fn old_spool(&self) -> impl Iterator<Item = &SpoolFolder> {
        let is_old = |left: &&SpoolFolder| left.state.can_delete() && left.at < self.before;
        self.spool.iter().filter(is_old)
    }
}
