//! Rows of a data file: CSV with a header, and JSON lines. Owns where each row begins and
//! what is said about a broken one; the file itself stays where it is (`content`), and a row
//! is read when it is needed: ten thousand devices on a file cost no more than one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::kept::{self, Noted};
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
pub(super) struct Tables(RefCell<BTreeMap<Opened, Option<Rc<Table>>>>);

/// A file's name, and how it was asked for: the format and the delimiter.
type Opened = (String, Option<Rows>, u8);

/// A data file and where its rows begin.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    content: Content,
    format: Rows,
    columns: Vec<Rc<str>>,
    /// How many rows there are, and where every so manieth of them begins.
    count: usize,
    rows: Vec<u32>,
    /// The row that was looked for last, and where it begins: the next one is near.
    last: Cell<(usize, usize)>,
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
    content: &'a Content,
    found: Vec<String>,
    count: usize,
}

impl<'a> Faults<'a> {
    pub(super) const fn new(name: &'a str, content: &'a Content) -> Self {
        Self {
            name,
            content,
            found: Vec::new(),
            count: 0,
        }
    }

    /// Notes what is wrong at an offset.
    pub(super) fn at(&mut self, offset: usize, what: impl std::fmt::Display) {
        self.count += 1;
        if self.found.len() < MOST_MISTAKES {
            let (line, column) = self.content.place(offset);
            self.found
                .push(format!("{}:{line}:{column}: {what}", self.name));
        }
    }

    /// This, if there was none.
    pub(super) fn unless<T>(self, good: T) -> Result<T, Noted> {
        let more = self.count - self.found.len();
        let mut found = self.found;
        if more > 0 {
            found.push(format!("{} has {more} more mistakes", self.name));
        }
        if found.is_empty() {
            Ok(good)
        } else {
            Err(Noted(found))
        }
    }
}

/// The content of a data file.
pub(super) fn content(check: &mut Check<'_>, key: &str, name: &str) -> Option<Vec<u8>> {
    let found = check.scope.reader.as_ref().and_then(|reader| reader(name));
    check.expect(
        found.is_some(),
        key,
        format_args!(
            "there is no data file {name:?}; name it under data in the fleet file's group"
        ),
    );
    found
}

/// The first byte that is neither a mark nor space: it tells formats apart.
pub(super) fn first(bytes: &[u8]) -> Option<u8> {
    let text = bytes.get(beginning(bytes)..)?;
    text.trim_ascii_start().first().copied()
}

/// Where the text begins: after a byte order mark, if there is one.
pub(super) fn beginning(bytes: &[u8]) -> usize {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    }
}

impl Table {
    /// The rows of a file, read once a scope. `None` when it was noted as wrong.
    pub(super) fn open(
        check: &mut Check<'_>,
        name: &str,
        format: Option<Rows>,
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

    fn read(
        check: &mut Check<'_>,
        name: &str,
        format: Option<Rows>,
        delimiter: u8,
    ) -> Option<Self> {
        let content = Content::open(check, "file", name)?;
        let first = content.look(content.beginning(), |bytes| {
            bytes.trim_ascii_start().first().copied()
        });
        let format = format.unwrap_or(if first == Some(b'{') {
            Rows::JsonLines
        } else {
            Rows::Csv
        });
        let mut table = Self {
            name: name.to_owned(),
            content,
            format,
            columns: Vec::new(),
            count: 0,
            rows: Vec::new(),
            last: Cell::new((0, 0)),
            scratch: RefCell::new(Scratch {
                reader: ReaderBuilder::new().delimiter(delimiter).build(),
                field: vec![0; 256],
            }),
        };
        let key = format!("rows {format:?} {delimiter} {name}");
        let found = kept::kept(check.scope.group_files, &key, || table.look_through());
        let (columns, places) = found.map_err(|noted| noted.note(check, "file")).ok()?;
        table.columns = columns.iter().map(|name| Rc::from(name.as_str())).collect();
        table.count = places.count;
        table.last.set((0, places.first()));
        table.rows = places.each;
        Some(table)
    }

    /// Reads the whole file: the header's columns, and where each row begins.
    fn look_through(&self) -> Result<(Vec<String>, Places), Noted> {
        let mut faults = self.faults();
        if let Some(offset) = self.content.first_no_text() {
            faults.at(offset, "this is not UTF-8; save the file as UTF-8");
        }
        if u32::try_from(self.content.len()).is_err() {
            faults.at(0, "the file is too large; up to 4 GiB are right");
        }
        faults.unless(())?;
        let mut faults = self.faults();
        let found = match self.format {
            Rows::Csv => self.find_csv_rows(&mut faults),
            Rows::JsonLines => (Vec::new(), self.find_lines(&mut faults)),
        };
        if found.1.count == 0 && faults.count == 0 {
            faults.at(self.content.len(), "the file has no rows");
        }
        faults.unless(found)
    }

    /// The header's columns, and where each row begins.
    fn find_csv_rows(&self, faults: &mut Faults<'_>) -> (Vec<String>, Places) {
        let (mut columns, mut places) = (Vec::new(), Places::default());
        let mut start = self.skip_blank(self.content.beginning());
        let mut header = true;
        while start < self.content.len() {
            let (mut count, mut last) = (0, start);
            let end = self.each_field(start, |offset, text| {
                count += 1;
                last = offset;
                if header {
                    columns.push(text.trim().to_owned());
                }
            });
            if count == columns.len() && !header {
                places.add(start);
            } else if !header {
                // Where it goes wrong: at the last field, or where one is missing.
                let offset = if count > columns.len() {
                    last
                } else {
                    end.saturating_sub(1).max(start)
                };
                faults.at(
                    offset,
                    format_args!(
                        "the row has {count} fields and the header {}; quote a field that holds the delimiter",
                        columns.len()
                    ),
                );
            }
            header = false;
            start = self.skip_blank(end);
        }
        (columns, places)
    }

    /// Where each line begins.
    fn find_lines(&self, faults: &mut Faults<'_>) -> Places {
        let mut places = Places::default();
        let mut start = self.skip_empty(self.content.beginning());
        while start < self.content.len() {
            let line = self.content.line(start);
            match serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&line) {
                Ok(_) => places.add(start),
                Err(error) => {
                    let text = error.to_string();
                    let cut = text.find(" at line").unwrap_or(text.len());
                    let what = text.get(..cut).unwrap_or(&text);
                    faults.at(
                        start + error.column().saturating_sub(1),
                        format_args!("{what}; a JSON object a line is right"),
                    );
                }
            }
            start = self.skip_empty(start + line.len() + 1);
        }
        places
    }

    /// The offset of the next line that has something in it: of CSV one that is not empty,
    /// since a blank is a field too.
    fn skip_blank(&self, mut start: usize) -> usize {
        loop {
            let skipped = self.content.look(start, |bytes| {
                let blank = bytes
                    .iter()
                    .take_while(|byte| matches!(byte, b'\n' | b'\r'));
                (blank.count(), bytes.len())
            });
            start += skipped.0;
            if skipped.0 == 0 || skipped.0 < skipped.1 {
                return start;
            }
        }
    }

    /// The offset of the next line that has more than white space in it.
    fn skip_empty(&self, mut start: usize) -> usize {
        while start < self.content.len() {
            let line = self.content.line(start);
            if !line.trim_ascii().is_empty() {
                return start;
            }
            start += line.len() + 1;
        }
        start
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
                let output = field.get_mut(written..).unwrap_or_default();
                let (result, read, wrote) = self
                    .content
                    .look(offset, |input| reader.read_field(input, output));
                offset += read;
                written += wrote;
                match result {
                    // All input is there: at its end an empty one ends the field.
                    ReadFieldResult::InputEmpty if offset < self.content.len() || read > 0 => {}
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
                    _ => return self.content.len(),
                }
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
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
        if row >= self.count {
            return;
        }
        let mut column = 0;
        let end = self.each_field(self.offset(row), |offset, text| {
            found(column, offset, text);
            column += 1;
        });
        // Who reads one row after the other need not look for the next one.
        self.last.set((row + 1, self.skip_blank(end)));
    }

    /// A row of JSON lines.
    pub(super) fn json(&self, row: usize) -> Value {
        if row >= self.count {
            return Value::Missing;
        }
        let line = self.content.line(self.offset(row));
        serde_json::from_slice::<serde_json::Value>(&line)
            .map(|json| Value::from(&json))
            .unwrap_or_default()
    }

    /// Where a row begins in the file.
    pub(super) fn offset(&self, row: usize) -> usize {
        let before = row / STRIDE;
        let start = self.rows.get(before).copied().unwrap_or(0);
        let noted = (
            before * STRIDE,
            usize::try_from(start).unwrap_or(usize::MAX),
        );
        let last = self.last.get();
        let (mut at, mut offset) = if (noted.0..=row).contains(&last.0) {
            last
        } else {
            noted
        };
        while at < row {
            offset = match self.format {
                Rows::Csv => self.skip_blank(self.each_field(offset, |_, _| {})),
                Rows::JsonLines => self.skip_empty(offset + self.content.line(offset).len() + 1),
            };
            at += 1;
        }
        self.last.set((at, offset));
        offset
    }

    /// A list of what is wrong with this file.
    pub(super) fn faults(&self) -> Faults<'_> {
        Faults::new(&self.name, &self.content)
    }
}

/// Where rows begin, every so manieth noted: between two of them the file is read.
#[derive(Default, Serialize, Deserialize)]
struct Places {
    count: usize,
    each: Vec<u32>,
}

/// With rows of 30 bytes, 1/8 of a percent of the file; to read so many costs some
/// microseconds.
pub(super) const STRIDE: usize = 64;

impl Places {
    fn add(&mut self, offset: usize) {
        if self.count.is_multiple_of(STRIDE) {
            self.each.push(u32::try_from(offset).unwrap_or(u32::MAX));
        }
        self.count += 1;
    }

    fn first(&self) -> usize {
        let first = self.each.first().copied().unwrap_or(0);
        usize::try_from(first).unwrap_or(usize::MAX)
    }
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
