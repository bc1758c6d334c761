//! Finds the files of a table, and their formats.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// The kinds of files, for messages.
#[must_use]
pub fn kind_words() -> &'static str {
    "Parquet (.parquet), CSV (.csv, .tsv) or JSON lines (.jsonl, .ndjson, .json)"
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

/// Determines a file's format by its extension, or else by its first bytes.
fn part(path: PathBuf) -> Result<Source, String> {
    let shown = || path.display().to_string();
    let mut start = [0; 512];
    let length = File::open(&path)
        .and_then(|mut file| file.read(&mut start))
        .map_err(|error| format!("{} cannot be read: {error}", shown()))?;
    let start = start.get(..length).unwrap_or_default();
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(match ending(&path).as_str() {
        "parquet" => Source::Parquet(path),
        "csv" => {
            let delimiter = delimiter(start);
            Source::Csv(path, delimiter)
        }
        "tsv" => Source::Csv(path, b'\t'),
        _ if start.starts_with(b"PAR1") => Source::Parquet(path),
        _ if first == Some(&b'[') => {
            return Err(format!(
                "{} is one JSON list; wanted is an object a line: jq -c '.[]' {} > lines.jsonl",
                shown(),
                shown()
            ));
        }
        "jsonl" | "ndjson" | "json" => Source::Json(path),
        _ if first == Some(&b'{') => Source::Json(path),
        _ if start.starts_with(&[0x1f, 0x8b]) => {
            return Err(format!("{} is packed; unpack it first (gunzip)", shown()));
        }
        _ => {
            let delimiter = delimiter(start);
            Source::Csv(path, delimiter)
        }
    })
}

/// Returns the delimiter of a CSV file. Spreadsheets of many countries write semicolons.
fn delimiter(start: &[u8]) -> u8 {
    let head = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let has = |wanted: u8| head.contains(&wanted);
    match (has(b','), has(b';'), has(b'\t')) {
        (false, true, _) => b';',
        (false, false, true) => b'\t',
        _ => b',',
    }
}
