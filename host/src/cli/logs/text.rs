//! Texts that several commands of `logs` share.

use mockfleet_metrics::{agree, bytes, count, noun_for};
use mockfleet_sendlog::{SkippedFile, SpoolFolder, TextTable};
use serde_json::{Value, json};

use crate::cli::ui::out::err;

/// Most files that are listed. The others are only counted.
const NAMED: usize = 10;

/// Prints skipped files to standard error.
pub(crate) fn warn(aside: &[SkippedFile], what: &str) {
    for SkippedFile { file, why, .. } in aside.iter().take(NAMED) {
        err!("warning: {file} is {what}: {why}");
    }
    if let Some(more @ 1..) = aside.len().checked_sub(NAMED) {
        let files = noun_for(more, "file");
        let are = agree(more, "is", "are");
        err!("warning: {more} more {files} {are} {what}; --json has all of them");
    }
}

/// Returns all skipped files as JSON.
pub(crate) fn named(aside: &[SkippedFile]) -> Vec<Value> {
    let named =
        |file: &SkippedFile| json!({ "file": file.file, "bytes": file.bytes, "why": file.why });
    aside.iter().map(named).collect()
}

/// Formats a time to the second, in UTC.
pub(crate) fn second(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| micros.to_string(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Lists the runs in the spool, with a remark on each.
pub(crate) fn spool(left: &[SpoolFolder], about: impl Fn(&SpoolFolder) -> &str) -> Option<String> {
    if left.is_empty() {
        return None;
    }
    let head = [
        "in the spool",
        "state",
        "files",
        "bytes",
        "last written",
        "",
    ];
    let mut columns = TextTable::new(head);
    for one in left {
        columns.push_row([
            one.run.clone(),
            one.state.as_str().to_owned(),
            count(one.files),
            bytes(one.bytes),
            second(one.at.as_microsecond()),
            about(one).to_owned(),
        ]);
    }
    Some(columns.render())
}

/// Returns the runs in the spool as JSON.
pub(crate) fn in_spool(left: &[SpoolFolder]) -> Vec<Value> {
    let shown = |one: &SpoolFolder| {
        json!({
            "run": one.run,
            "state": one.state.as_str(),
            "files": one.files,
            "bytes": one.bytes,
            "last_written": one.at.to_string(),
            "folder": one.folder.display().to_string(),
        })
    };
    left.iter().map(shown).collect()
}
