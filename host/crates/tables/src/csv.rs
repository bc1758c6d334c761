//! Reads CSV (RFC 4180) with a header line.
//!
//! The parser is `csv-core`; the crate `csv` adds only conversions to Rust types.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::row::BadRowCallback;
use mockfleet_sendlog::{RowVisitor, TableValue};

/// The form of a null value in the result of a query. It differs from an empty text.
pub(crate) const NULL: &str = "\\N";

/// Size of the read buffer in bytes.
const READ_BUFFER: usize = 256 << 10;

/// Longest record in bytes. A message of the maximum length of MQTT fits, with other values.
const MAX_RECORD: usize = 1 << 30;

/// A reader of records.
struct Records<R> {
    from: R,
    parser: Reader,
    input: Vec<u8>,
    /// The start of the input that is not parsed yet.
    start: usize,
    end: usize,
    /// The end of the input. A database must not be read again after its end.
    over: bool,
    values: Vec<u8>,
    ends: Vec<usize>,
    /// The number of values of the current record.
    count: usize,
    /// The line on which the current record begins.
    line: u64,
}

impl<R: Read> Records<R> {
    fn new(from: R, delimiter: u8) -> Self {
        Self {
            from,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            input: vec![0; READ_BUFFER],
            start: 0,
            end: 0,
            over: false,
            values: vec![0; 4 << 10],
            ends: vec![0; 64],
            count: 0,
            line: 0,
        }
    }

    /// Reads the next record, and returns whether there is one.
    fn advance(&mut self) -> Result<bool, String> {
        let (mut used, mut ended) = (0, 0);
        // The rest of the previous line, if lines end with CR LF.
        let before = self.start.checked_sub(1);
        let open = before.and_then(|at| self.input.get(at)) == Some(&b'\r');
        self.fill()?;
        let open = open && self.input.get(self.start) == Some(&b'\n');
        self.line = self.parser.line() + u64::from(open);
        loop {
            self.fill()?;
            let input = self.input.get(self.start..self.end).unwrap_or_default();
            let values = self.values.get_mut(used..).unwrap_or_default();
            let ends = self.ends.get_mut(ended..).unwrap_or_default();
            let (result, taken, written, closed) = self.parser.read_record(input, values, ends);
            self.start += taken;
            used += written;
            ended += closed;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.values.len() < MAX_RECORD => {
                    self.values.resize(self.values.len() * 2, 0);
                }
                ReadRecordResult::OutputFull => {
                    return Err(format!("line {} is longer than 1 GiB", self.line));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.count = ended;
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Fills the buffer if it is empty, unless the input has ended.
    fn fill(&mut self) -> Result<(), String> {
        if self.start == self.end && !self.over {
            let read = self.from.read(&mut self.input);
            self.end = read.map_err(|error| error.to_string())?;
            self.over = self.end == 0;
            self.start = 0;
        }
        Ok(())
    }

    /// Returns a value of the current record.
    fn value(&self, place: usize) -> Option<&[u8]> {
        if place >= self.count {
            return None;
        }
        let from = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.values.get(from..*self.ends.get(place)?)
    }

    /// Returns the current record as names of columns.
    fn names(&self) -> Vec<String> {
        let values = (0..self.count).filter_map(|place| self.value(place));
        values
            .map(|name| {
                let name = String::from_utf8_lossy(name);
                // Remove the byte order mark that some programs write.
                name.trim_start_matches('\u{feff}').trim().to_owned()
            })
            .collect()
    }
}

/// Returns the names in the first line.
pub(crate) fn head(path: &Path, delimiter: u8) -> Result<Vec<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut records = Records::new(file, delimiter);
    if !records.advance()? || records.names().iter().all(String::is_empty) {
        return Err("it is empty; wanted is a first line with the names of the columns".into());
    }
    Ok(records.names())
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
    let mut records = Records::new(from, delimiter);
    if !records.advance()? {
        return Ok(());
    }
    let names = records.names();
    let places: Vec<Option<usize>> = wanted
        .iter()
        .map(|name| names.iter().position(|column| column == name))
        .collect();
    while records.advance()? {
        let flow = if records.count == names.len() {
            let cells = places.iter().map(|place| {
                let value = place.and_then(|place| records.value(place));
                value.map_or(TableValue::Null, |value| cell(value, nulls))
            });
            let cells: Vec<TableValue<'_>> = cells.collect();
            take(records.line, &cells)
        } else {
            let text = format!(
                "this line has {} values, and the first line names {} columns; text with commas or line breaks belongs in double quotes",
                records.count,
                names.len()
            );
            bad(records.line, text)
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
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
