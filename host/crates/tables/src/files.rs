//! Finds the files of a table, and their formats.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use mockfleet_datafile::{Format, JsonForm, delimiter, refuse_encoding, sniff};

use crate::source::Source;

/// The kinds of files, for messages.
#[must_use]
pub fn kind_words() -> &'static str {
    "Parquet (.parquet), CSV (.csv, .tsv), JSON lines (.jsonl, .ndjson) or a JSON list (.json)"
}

const ENDINGS: [&str; 6] = ["parquet", "csv", "tsv", "jsonl", "ndjson", "json"];

/// Returns the files that a text names, in the order of their names.
pub(crate) fn find(text: &str) -> Result<Vec<Source>, String> {
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!(
            "a table of the scheme {scheme:?} cannot be read; give a file or a folder of {}, or postgres://user@host/database with --query",
            kind_words()
        ));
    }
    let path = Path::new(text);
    let files = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let files = below(path)?;
            if files.is_empty() {
                return Err(format!("{text} has no files of {}", kind_words()));
            }
            files
        }
        Ok(_) => vec![path.to_owned()],
        Err(_) if text.contains(['*', '?', '[']) => {
            let files = matching(text)?;
            if files.is_empty() {
                return Err(format!("no file is named like {text}"));
            }
            files
        }
        Err(error) => return Err(format!("{text} cannot be read: {error}")),
    };
    files.into_iter().map(part).collect()
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let found = glob::glob(pattern).map_err(|error| format!("{pattern} is no pattern: {error}"))?;
    let mut files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

/// Returns all files below a folder whose extension is one of a table.
fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']));
            if hidden {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if ENDINGS.contains(&ending(&path).as_str()) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn ending(path: &Path) -> String {
    path.extension().map_or_else(String::new, |ending| {
        ending.to_string_lossy().to_lowercase()
    })
}

/// Bytes from which the format and the delimiter are found.
const LOOKED_AT: u64 = 64 << 10;

/// Determines a file's format by its extension, or else by its first bytes.
fn part(path: PathBuf) -> Result<Source, String> {
    let shown = || path.display().to_string();
    let mut start = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start))
        .map_err(|error| format!("{} cannot be read: {error}", shown()))?;
    let ending = ending(&path);
    if ending == "parquet" || (ending != "csv" && start.starts_with(b"PAR1")) {
        return Ok(Source::Parquet(path));
    }
    if let Some(why) = refuse_encoding(&start) {
        return Err(format!("{}: {why}", shown()));
    }
    let found = match ending.as_str() {
        "csv" => Format::Csv {
            delimiter: delimiter(&start),
        },
        "tsv" => Format::Csv { delimiter: b'\t' },
        "jsonl" | "ndjson" | "json" if matches!(sniff(&start), Format::Csv { .. }) => {
            Format::JsonLines
        }
        _ => sniff(&start),
    };
    Ok(match found {
        Format::Csv { delimiter } => Source::Csv(path, delimiter),
        Format::JsonLines => Source::Json(path, JsonForm::Lines),
        Format::JsonList => Source::Json(path, JsonForm::List),
    })
}
