//! Reads CSV (RFC 4180) with a header line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mockfleet_datafile::{CsvReader, NOT_UTF8, ReadError, looks_like_data, refuse_count};
use mockfleet_sendlog::{RowVisitor, TableValue};

use crate::row::BadRowCallback;
use crate::stream::Stream;

/// The form of a null value in the result of a query. It differs from an empty text.
pub(crate) const NULL: &str = "\\N";

/// Longest record in bytes. A message of the maximum length of MQTT fits, with other values.
const MAX_RECORD: usize = 1 << 30;

/// Returns the current record as names of columns.
fn names(records: &CsvReader) -> Vec<String> {
    let values = (0..records.count()).filter_map(|place| records.field(place));
    values
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect()
}

/// Whether all fields of the current record are texts.
fn is_utf8(records: &CsvReader) -> bool {
    let mut fields = (0..records.count()).filter_map(|place| records.field(place));
    fields.all(|field| std::str::from_utf8(field).is_ok())
}

/// Returns the names in the first line.
pub(crate) fn head(path: &Path, delimiter: u8) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut input = Stream::new(file);
    let mut records = CsvReader::new(delimiter, MAX_RECORD);
    let mut next = || match records.read(&mut input) {
        Ok(true) if !is_utf8(&records) => Err(format!("line {}: {NOT_UTF8}", records.start().line)),
        Ok(found) => Ok(found.then(|| names(&records))),
        Err(ReadError::Input(error)) => Err(error.to_string()),
        Err(ReadError::Form { text, .. }) => Err(text),
    };
    let first = next()?.filter(|names| names.iter().any(|name| !name.is_empty()));
    let Some(first) = first else {
        return Err("it is empty; wanted is a first line with the names of the columns".into());
    };
    if next()?.is_some_and(|second| looks_like_data(&first, &second)) {
        let delimiter = char::from(delimiter);
        return Err(format!(
            "its first line has values instead of names; write the names of the columns above it, such as: sed -i '1i device{delimiter}time{delimiter}payload' {}",
            path.display()
        ));
    }
    Ok(first)
}

pub(crate) fn read(
    path: &Path,
    delimiter: u8,
    wanted: &[&str],
    take: &mut RowVisitor<'_>,
    bad: &mut BadRowCallback<'_>,
) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    read_from(file, delimiter, false, wanted, take, bad)
}

/// Reads rows from an input. `nulls` allows values to be [`NULL`].
pub(crate) fn read_from(
    from: impl Read,
    delimiter: u8,
    nulls: bool,
    wanted: &[&str],
    take: &mut RowVisitor<'_>,
    bad: &mut BadRowCallback<'_>,
) -> Result<(), String> {
    let mut input = Stream::new(from);
    let mut records = CsvReader::new(delimiter, MAX_RECORD);
    let mut columns: Option<(usize, Vec<Option<usize>>)> = None;
    loop {
        match records.read(&mut input) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(ReadError::Input(error)) => return Err(error.to_string()),
            Err(ReadError::Form { at, text }) => {
                let _ = bad(at.line, text);
                return Ok(());
            }
        }
        let Some((count, places)) = &columns else {
            let names = names(&records);
            let place = |name: &&str| names.iter().position(|column| column == name);
            columns = Some((names.len(), wanted.iter().map(place).collect()));
            continue;
        };
        let line = records.start().line;
        let flow = if !nulls && !is_utf8(&records) {
            bad(line, NOT_UTF8.to_owned())
        } else if records.count() == *count {
            let cells = places.iter().map(|place| {
                let value = place.and_then(|place| records.field(place));
                value.map_or(TableValue::Null, |value| cell(value, nulls))
            });
            let cells: Vec<TableValue<'_>> = cells.collect();
            take(line, &cells)
        } else {
            bad(line, refuse_count(records.count(), *count))
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

fn cell(value: &[u8], nulls: bool) -> TableValue<'_> {
    if nulls && value == NULL.as_bytes() {
        return TableValue::Null;
    }
    if nulls && value.starts_with(b"\\x") {
        return hex(value);
    }
    match std::str::from_utf8(value) {
        Ok(text) => TableValue::Text(text.into()),
        Err(_) => TableValue::Bytes(value.into()),
    }
}

/// Decodes bytes in the form of a query's result: `\x68656c6c6f`.
fn hex(value: &[u8]) -> TableValue<'_> {
    let digits = std::str::from_utf8(value).unwrap_or_default();
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (2..value.len()).step_by(2).map(byte).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => TableValue::Text(text.into()),
        Some(Err(error)) => TableValue::Bytes(error.into_bytes().into()),
        None => TableValue::Text(String::from_utf8_lossy(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn rows_have_their_values_and_their_lines() {
        let long = "x".repeat(10_000);
        let text = format!("\u{feff}a,b\n1,\"two,\n\"\"lines\"\"\"\n3\n\n4,{long}\n");
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        read_from(
            text.as_bytes(),
            b',',
            false,
            &["b", "none", "a"],
            &mut |line, cells| {
                let cells: Vec<_> = cells
                    .iter()
                    .map(|cell| cell.text().map(String::from))
                    .collect();
                rows.push((line, cells));
                ControlFlow::Continue(())
            },
            &mut |line, _| {
                bad.push(line);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        let text = |text: &str| Some(text.to_owned());
        let first = vec![text("two,\n\"lines\""), None, text("1")];
        let last = vec![text(&long), None, text("4")];
        assert_eq!(rows.first().map(|row| &row.1), Some(&first));
        assert_eq!(rows.last().map(|row| &row.1), Some(&last));
        assert_eq!((rows[0].0, bad), (2, vec![4]));
    }

    #[test]
    fn lines_that_end_as_on_windows_are_counted_too() {
        let mut lines = Vec::new();
        read_from(
            "a,b\r\n1,2\r\n3\r\n4,5\r\n".as_bytes(),
            b',',
            false,
            &["a"],
            &mut |line, _| {
                lines.push(line);
                ControlFlow::Continue(())
            },
            &mut |line, _| {
                assert_eq!(line, 3);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        assert_eq!(lines, [2, 4]);
    }

    #[test]
    fn bytes_of_a_database_are_read() {
        assert_eq!(hex(b"\\x6869"), TableValue::Text("hi".into()));
        assert_eq!(hex(b"\\xff00"), TableValue::Bytes(vec![0xff, 0].into()));
        assert_eq!(hex(b"\\xyz"), TableValue::Text("\\xyz".into()));
    }
}
