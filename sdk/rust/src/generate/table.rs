//! Rows of a data file: CSV with a header, and JSON lines. Owns where each row begins and
//! what is said about a broken one; the file itself is kept as it came, once a cell, and a
//! row is read when it is needed: ten thousand devices on a file cost no more than one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problems::Check;
use super::value::Value;

/// A broken file is described by so many of its mistakes, and by how many more there are.
const MOST_MISTAKES: usize = 10;

/// The longest field of a CSV file, in bytes.
const LONGEST_FIELD: usize = 1 << 20;

/// What a data file is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// Numbers if the first value that is not empty is one, else texts.
    #[default]
    Auto,
    /// Numbers. An empty one is missing.
    Number,
    /// Texts, empty ones included.
    Text,
}

/// The files that were read for a scope, by name and what they were read as.
#[derive(Debug, Default)]
pub(super) struct Tables(RefCell<BTreeMap<(String, Rows, u8), Option<Rc<Table>>>>);

/// A data file and where its rows begin.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    bytes: Rc<[u8]>,
    format: Rows,
    columns: Vec<Rc<str>>,
    rows: Vec<u32>,
    /// Reused, since making one costs more than reading a row.
    scratch: RefCell<Scratch>,
}

struct Scratch {
    reader: Reader,
    field: Vec<u8>,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scratch")
    }
}

/// What is wrong with a file, up to a limit.
pub(super) struct Faults<'a> {
    name: &'a str,
    bytes: &'a [u8],
    found: Vec<String>,
    count: usize,
}

impl<'a> Faults<'a> {
    pub(super) const fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            name,
            bytes,
            found: Vec::new(),
            count: 0,
        }
    }

    /// Notes what is wrong at an offset.
    pub(super) fn at(&mut self, offset: usize, what: impl std::fmt::Display) {
        self.count += 1;
        if self.found.len() < MOST_MISTAKES {
            let (line, column) = place(self.bytes, offset);
            self.found
                .push(format!("{}:{line}:{column}: {what}", self.name));
        }
    }

    /// Hands it on; says whether there was none.
    pub(super) fn note(self, check: &mut Check<'_>, key: &str) -> bool {
        let more = self.count - self.found.len();
        for fault in &self.found {
            check.wrong(key, fault);
        }
        if more > 0 {
            check.wrong(key, format_args!("{} has {more} more mistakes", self.name));
        }
        self.count == 0
    }
}

/// Line and column, both from 1, the column in characters.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let line = before
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or(before);
    (lines + 1, String::from_utf8_lossy(line).chars().count() + 1)
}

/// The content of a data file, without a byte order mark.
pub(super) fn content(check: &mut Check<'_>, key: &str, name: &str) -> Option<Rc<[u8]>> {
    let found = check.scope.reader.as_ref().and_then(|reader| reader(name));
    check.expect(
        found.is_some(),
        key,
        format_args!(
            "there is no data file {name:?}; name it under data in the fleet file's group"
        ),
    );
    let bytes = found?;
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => Some(rest.into()),
        None => Some(bytes),
    }
}

impl Table {
    /// The rows of a file, read once a scope. `None` when it was noted as wrong.
    pub(super) fn open(
        check: &mut Check<'_>,
        name: &str,
        format: Rows,
        delimiter: u8,
    ) -> Option<Rc<Self>> {
        let key = (name.to_owned(), format, delimiter);
        let known = check.scope.tables.0.borrow().get(&key).cloned();
        if let Some(known) = known {
            if known.is_none() {
                check.wrong("file", format_args!("{name} is broken, as said before"));
            }
            return known;
        }
        let read = Self::read(check, name, format, delimiter).map(Rc::new);
        check.scope.tables.0.borrow_mut().insert(key, read.clone());
        read
    }

    fn read(check: &mut Check<'_>, name: &str, format: Rows, delimiter: u8) -> Option<Self> {
        let bytes = content(check, "file", name)?;
        let mut faults = Faults::new(name, &bytes);
        if let Err(error) = std::str::from_utf8(&bytes) {
            faults.at(
                error.valid_up_to(),
                "this is not UTF-8; save the file as UTF-8",
            );
            faults.note(check, "file");
            return None;
        }
        if u32::try_from(bytes.len()).is_err() {
            check.wrong(
                "file",
                format_args!("{name} is too large; up to 4 GiB are right"),
            );
            return None;
        }
        let mut table = Self {
            name: name.to_owned(),
            bytes: Rc::clone(&bytes),
            format,
            columns: Vec::new(),
            rows: Vec::new(),
            scratch: RefCell::new(Scratch {
                reader: ReaderBuilder::new().delimiter(delimiter).build(),
                field: vec![0; 256],
            }),
        };
        match format {
            Rows::Csv => table.find_csv_rows(&mut faults),
            Rows::JsonLines => table.find_lines(&mut faults),
        }
        if table.rows.is_empty() && faults.count == 0 {
            faults.at(bytes.len(), "the file has no rows");
        }
        faults.note(check, "file").then_some(table)
    }

    fn find_csv_rows(&mut self, faults: &mut Faults<'_>) {
        let bytes = Rc::clone(&self.bytes);
        let mut start = skip_blank(&bytes, 0);
        let mut header = true;
        while start < bytes.len() {
            let mut names = Vec::new();
            let mut count = 0;
            let mut last = start;
            let end = self.each_field(start, |offset, text| {
                count += 1;
                last = offset;
                if header {
                    names.push(Rc::from(text.trim()));
                }
            });
            if header {
                self.columns = names;
            } else if count == self.columns.len() {
                self.rows.push(u32::try_from(start).unwrap_or(u32::MAX));
            } else {
                let columns = self.columns.len();
                let what = format_args!(
                    "the row has {count} fields and the header {columns}; quote a field that holds the delimiter"
                );
                faults.at(
                    if count > columns {
                        last
                    } else {
                        end.saturating_sub(1).max(start)
                    },
                    what,
                );
            }
            header = false;
            start = skip_blank(&bytes, end);
        }
    }

    fn find_lines(&mut self, faults: &mut Faults<'_>) {
        let bytes = Rc::clone(&self.bytes);
        let mut start = 0;
        for line in bytes.split(|byte| *byte == b'\n') {
            if !line.trim_ascii().is_empty() {
                match serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(line) {
                    Ok(_) => self.rows.push(u32::try_from(start).unwrap_or(u32::MAX)),
                    Err(error) => {
                        let text = error.to_string();
                        let cut = text.find(" at line").unwrap_or(text.len());
                        let why = text.get(..cut).unwrap_or(&text);
                        faults.at(
                            start + error.column().saturating_sub(1),
                            format_args!("{why}; a JSON object a line is right"),
                        );
                    }
                }
            }
            start += line.len() + 1;
        }
    }

    /// Calls for each field of the CSV record at an offset, with the field's own offset;
    /// returns where the next record begins.
    fn each_field(&self, mut offset: usize, mut found: impl FnMut(usize, &str)) -> usize {
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { reader, field } = &mut *scratch;
        reader.reset();
        loop {
            let begin = offset;
            let mut written = 0;
            loop {
                let input = self.bytes.get(offset..).unwrap_or_default();
                let output = field.get_mut(written..).unwrap_or_default();
                let (result, read, wrote) = reader.read_field(input, output);
                offset += read;
                written += wrote;
                match result {
                    // All input is there: at its end an empty one ends the field.
                    ReadFieldResult::InputEmpty if offset < self.bytes.len() || read > 0 => {}
                    ReadFieldResult::OutputFull if field.len() < LONGEST_FIELD => {
                        field.resize(field.len() * 2, 0);
                    }
                    ReadFieldResult::Field { record_end } => {
                        let text = field.get(..written).unwrap_or_default();
                        found(begin, std::str::from_utf8(text).unwrap_or_default());
                        if record_end {
                            return offset;
                        }
                        break;
                    }
                    _ => return self.bytes.len(),
                }
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn columns(&self) -> &[Rc<str>] {
        &self.columns
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a file's columns are called: of JSON lines, the members of the first one.
    pub(super) fn names(&self) -> Vec<Rc<str>> {
        match self.format {
            Rows::Csv => self.columns.clone(),
            Rows::JsonLines => match self.json(0) {
                Value::Object(members) => members.iter().map(|(name, _)| Rc::clone(name)).collect(),
                _ => Vec::new(),
            },
        }
    }

    pub(super) const fn format(&self) -> Rows {
        self.format
    }

    /// Calls for each field of a row of a CSV file: the column's position, the offset in
    /// the file, and the text.
    pub(super) fn fields(&self, row: usize, mut found: impl FnMut(usize, usize, &str)) {
        let Some(start) = self
            .rows
            .get(row)
            .and_then(|start| usize::try_from(*start).ok())
        else {
            return;
        };
        let mut column = 0;
        self.each_field(start, |offset, text| {
            found(column, offset, text);
            column += 1;
        });
    }

    /// A row of JSON lines.
    pub(super) fn json(&self, row: usize) -> Value {
        let line = self
            .rows
            .get(row)
            .and_then(|start| usize::try_from(*start).ok());
        let line = line
            .and_then(|start| self.bytes.get(start..))
            .unwrap_or_default();
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        serde_json::from_slice::<serde_json::Value>(line)
            .map(|json| Value::from(&json))
            .unwrap_or_default()
    }

    /// Where a row begins in the file.
    pub(super) fn offset(&self, row: usize) -> usize {
        let start = self.rows.get(row).copied().unwrap_or(0);
        usize::try_from(start).unwrap_or(usize::MAX)
    }

    /// A list of what is wrong with this file.
    pub(super) fn faults(&self) -> Faults<'_> {
        Faults::new(&self.name, &self.bytes)
    }
}

/// The offset of the next line that has something in it.
fn skip_blank(bytes: &[u8], mut start: usize) -> usize {
    while matches!(bytes.get(start), Some(b'\n' | b'\r')) {
        start += 1;
    }
    start
}

/// A number as a value: whole when it is written without a point and an exponent.
pub(super) fn parse_number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::Integer(whole));
    }
    // Neither "inf" nor "NaN", which Rust reads.
    let plain = text.bytes().any(|byte| byte.is_ascii_digit());
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| plain && number.is_finite());
    number.map(Value::Number)
}
