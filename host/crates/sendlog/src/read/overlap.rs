//! Finds runs of a fleet that overlap a time range.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::format::file_name::FileName;
use crate::format::schema::LogTable;
use crate::read::footer::Footer;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// The rows of a fleet that a store has in a time range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlappingRuns {
    /// The runs that wrote the rows.
    pub runs: BTreeSet<String>,
    /// Number of files that have such rows.
    pub files: u64,
}

/// Finds rows of a fleet's groups that were due from `from` on and before `to`. Files that are
/// broken, or that mockfleet did not write, count as empty.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read.
pub fn overlapping_runs(
    store: &Store,
    fleet: &str,
    groups: &[&str],
    from: Timestamp,
    to: Timestamp,
) -> Result<OverlappingRuns, LogError> {
    if matches!(store, Store::Folder(folder) if !folder.exists()) {
        return Ok(OverlappingRuns::default());
    }
    let reader = StoreReader::open(store)?;
    let mut files = reader.files(LogTable::Sends)?;
    files.retain(|file| {
        let hour = FileName::parse(&file.key).map(|name| name.hour);
        let end = hour.and_then(|hour| hour.checked_add(SignedDuration::from_hours(1)).ok());
        hour.zip(end)
            .is_some_and(|(hour, end)| hour < to && end > from)
    });
    let span = (from.as_microsecond(), to.as_microsecond());
    let found = reader.map_concurrently(&files, |file| run(&reader, file, fleet, groups, span));
    let mut overlapping_runs = OverlappingRuns::default();
    for run in found.into_iter().flatten() {
        overlapping_runs.files += 1;
        overlapping_runs.runs.insert(run);
    }
    Ok(overlapping_runs)
}

/// Returns the run of a file, if the file has such rows.
fn run(
    reader: &StoreReader,
    file: &ObjectMeta,
    fleet: &str,
    groups: &[&str],
    (from, to): (i64, i64),
) -> Option<String> {
    let footer = Footer::read(reader, file).ok()?;
    let (first, last) = footer.span(LogTable::Sends)?;
    // Files of earlier versions do not name their fleet, so they count as files of this one.
    let ours = footer.fleet.as_deref().is_none_or(|name| name == fleet);
    if first >= to || last < from || !ours {
        return None;
    }
    let run = footer.run.clone();
    let value_counts = footer.value_counts("group").ok()?;
    let has = |group: &&str| value_counts.contains_key(*group);
    groups.iter().any(has).then_some(run)
}
