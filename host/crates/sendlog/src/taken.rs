//! Whether a store already has rows of a fleet in a range of time: from the names and
//! footers of the files of those hours.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::LogError;
use super::footer::Footer;
use super::name::Name;
use super::schema::Table;
use super::shelf::{Found, Shelf};
use mockfleet_config::Store;

/// What a store has of a fleet in a range of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The runs that wrote it.
    pub runs: BTreeSet<String>,
    /// Files that have rows of it.
    pub files: u64,
}

/// Looks for rows of a fleet's groups that were due from `from` on and before `to`. Files
/// that are not mockfleet's, or broken, have none.
///
/// # Errors
/// Why the store cannot be looked at.
pub fn taken(
    store: &Store,
    fleet: &str,
    groups: &[&str],
    from: Timestamp,
    to: Timestamp,
) -> Result<Taken, LogError> {
    if matches!(store, Store::Folder(folder) if !folder.exists()) {
        return Ok(Taken::default());
    }
    let shelf = Shelf::open(store)?;
    let mut files = shelf.files(Table::Sends)?;
    files.retain(|file| {
        let hour = Name::read(&file.key).map(|name| name.hour);
        let end = hour.and_then(|hour| hour.checked_add(SignedDuration::from_hours(1)).ok());
        hour.zip(end)
            .is_some_and(|(hour, end)| hour < to && end > from)
    });
    let span = (from.as_microsecond(), to.as_microsecond());
    let found = shelf.each(&files, |file| run(&shelf, file, fleet, groups, span));
    let mut taken = Taken::default();
    for run in found.into_iter().flatten() {
        taken.files += 1;
        taken.runs.insert(run);
    }
    Ok(taken)
}

/// The run of a file that has such rows.
fn run(
    shelf: &Shelf,
    file: &Found,
    fleet: &str,
    groups: &[&str],
    (from, to): (i64, i64),
) -> Option<String> {
    let footer = Footer::read(shelf, file).ok()?;
    let (first, last) = footer.span(Table::Sends)?;
    // Files of earlier versions do not say whose they are.
    let ours = footer.fleet.as_deref().is_none_or(|name| name == fleet);
    if first >= to || last < from || !ours {
        return None;
    }
    let run = footer.run.clone();
    let words = footer.words("group").ok()?;
    let has = |group: &&str| words.contains_key(*group);
    groups.iter().any(has).then_some(run)
}
