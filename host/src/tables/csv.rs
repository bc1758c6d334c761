//! CSV (RFC 4180) with a line of names at its head.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::Bad;
use crate::sendlog::{Cell, TakeRow};

/// How a query's answer writes what is null, so that it differs from an empty text.
pub(super) const NULL: &str = "\\N";

fn reader<R: Read>(from: R, delimiter: u8) -> Reader<R> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        // Each line that has too few values is named, and not only the first.
        .flexible(true)
        .from_reader(from)
}

/// The names in the first line.
pub(super) fn head(path: &Path, delimiter: u8) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = reader(file, delimiter);
    let head = reader
        .headers()
        .map_err(|error| format!("its first line cannot be read: {error}"))?;
    let names: Vec<String> = head.iter().map(named).collect();
    if names.iter().all(String::is_empty) {
        return Err("it is empty; wanted is a first line with the names of the columns".into());
    }
    Ok(names)
}

/// Without the mark that some programs begin a file with.
fn named(name: &str) -> String {
    name.trim_start_matches('\u{feff}').trim().to_owned()
}

pub(super) fn read(
    path: &Path,
    delimiter: u8,
    wanted: &[&str],
    take: &mut TakeRow<'_>,
    bad: &mut Bad<'_>,
) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    read_from(file, delimiter, false, wanted, take, bad)
}

/// Reads rows from anywhere; `nulls`: where a value may be [`NULL`].
pub(super) fn read_from(
    from: impl Read,
    delimiter: u8,
    nulls: bool,
    wanted: &[&str],
    take: &mut TakeRow<'_>,
    bad: &mut Bad<'_>,
) -> Result<(), String> {
    let mut reader = reader(from, delimiter);
    let head = reader.byte_headers().map_err(|error| error.to_string())?;
    let names: Vec<String> = head
        .iter()
        .map(|name| named(&String::from_utf8_lossy(name)))
        .collect();
    let places: Vec<Option<usize>> = wanted
        .iter()
        .map(|name| names.iter().position(|column| column == name))
        .collect();
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != names.len() {
            let text = format!(
                "this line has {} values, and the first line names {} columns; text with commas or line breaks belongs in double quotes",
                record.len(),
                names.len()
            );
            if bad(line, text).is_break() {
                return Ok(());
            }
            continue;
        }
        let cells = places.iter().map(|place| {
            let value = place.and_then(|place| record.get(place));
            match value {
                None => Cell::Null,
                Some(value) if nulls && value == NULL.as_bytes() => Cell::Null,
                Some(value) if nulls && value.starts_with(b"\\x") => hex(value),
                Some(value) => match std::str::from_utf8(value) {
                    Ok(text) => Cell::Text(text.into()),
                    Err(_) => Cell::Bytes(value.into()),
                },
            }
        });
        let cells: Vec<Cell<'_>> = cells.collect();
        if take(line, &cells).is_break() {
            return Ok(());
        }
    }
}

/// Bytes as a query's answer writes them: `\x68656c6c6f`.
fn hex(value: &[u8]) -> Cell<'_> {
    let digits = std::str::from_utf8(value).unwrap_or_default();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (2..value.len()).step_by(2).map(byte).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => Cell::Text(text.into()),
        Some(Err(error)) => Cell::Bytes(error.into_bytes().into()),
        None => Cell::Text(String::from_utf8_lossy(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_database_are_read() {
        assert_eq!(hex(b"\\x6869"), Cell::Text("hi".into()));
        assert_eq!(hex(b"\\xff00"), Cell::Bytes(vec![0xff, 0].into()));
        assert_eq!(hex(b"\\xyz"), Cell::Text("\\xyz".into()));
    }
}
