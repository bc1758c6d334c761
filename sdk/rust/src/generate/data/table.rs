//! Indexes and reads the rows of CSV and JSON lines.
//!
//! A row is read when it is needed: ten thousand devices on a file take no more memory
//! than one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::generate::common::problems::Problems;
use crate::generate::common::value::Value;
use crate::generate::data::exact_json;
use crate::generate::data::file_cache::get_or_compute;
use crate::generate::data::file_errors::{FileErrorList, FileErrors};
use crate::generate::data::file_source::FileSource;
use crate::generate::data::file_window::WindowedFile;
use crate::generate::data::format::DataFormat;
use crate::generate::data::row_index::RowIndex;
use crate::generate::data::unique_members::UniqueMembers;

/// The longest field of a CSV file, in bytes.
const MAX_FIELD_BYTES: usize = 1 << 20;

/// Names of members that are kept of a file at most.
const MAX_MEMBER_NAMES: usize = 1_000;

/// A data file and the offsets of its rows.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    file: WindowedFile,
    format: DataFormat,
    /// The columns of a CSV file, or the names of the members of all lines.
    columns: Vec<Rc<str>>,
    rows: RowIndex,
    /// The row that was read last, and its offset: the next one is near.
    last: Cell<(usize, usize)>,
    /// Reused, since making a parser costs more than reading a row.
    parser: RefCell<CsvParser>,
}

struct CsvParser {
    reader: Reader,
    field: Vec<u8>,
}

impl std::fmt::Debug for CsvParser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsvParser")
    }
}

impl Table {
    /// Opens a file and indexes its rows. `None` after reporting its errors under the key
    /// `file`.
    pub(crate) fn open(
        source: &FileSource,
        name: &str,
        format: Option<DataFormat>,
        delimiter: u8,
        problems: &mut Problems,
    ) -> Option<Self> {
        let file = WindowedFile::open(source, name, "file", problems)?;
        let first = file.with_bytes(file.text_start(), |bytes| {
            bytes.trim_ascii_start().first().copied()
        });
        let format = format.unwrap_or(if first == Some(b'{') {
            DataFormat::JsonLines
        } else {
            DataFormat::Csv
        });
        let mut table = Self {
            name: name.to_owned(),
            file,
            format,
            columns: Vec::new(),
            rows: RowIndex::default(),
            last: Cell::new((0, 0)),
            parser: RefCell::new(CsvParser {
                reader: ReaderBuilder::new().delimiter(delimiter).build(),
                field: vec![0; 256],
            }),
        };
        let key = format!("rows {format:?} {delimiter} {name}");
        let indexed = get_or_compute(source.is_in_group(), &key, || table.index_rows());
        let (columns, rows) = indexed
            .map_err(|errors| errors.report("file", problems))
            .ok()?;
        table.columns = columns
            .iter()
            .map(|name: &String| Rc::from(name.as_str()))
            .collect();
        table.last.set(rows.nearest_before(0));
        table.rows = rows;
        Some(table)
    }

    /// Reads the whole file: the columns of the header, and the offset of each row.
    fn index_rows(&self) -> Result<(Vec<String>, RowIndex), FileErrors> {
        let mut errors = self.errors();
        if let Some(offset) = self.file.first_invalid_utf8() {
            errors.push(offset, "this is not UTF-8; save the file as UTF-8");
        }
        if u32::try_from(self.file.len()).is_err() {
            errors.push(0, "the file is too large; up to 4 GiB are right");
        }
        errors.finish(())?;
        let mut errors = self.errors();
        let found = match self.format {
            DataFormat::Csv => self.index_csv_rows(&mut errors),
            DataFormat::JsonLines => self.index_json_lines(&mut errors),
        };
        if found.1.len() == 0 && errors.is_empty() {
            errors.push(self.file.len(), "the file has no rows");
        }
        errors.finish(found)
    }

    /// The columns of the header, and the offset of each row.
    fn index_csv_rows(&self, errors: &mut FileErrorList<'_>) -> (Vec<String>, RowIndex) {
        let (mut columns, mut rows) = (Vec::new(), RowIndex::default());
        let mut start = self.skip_line_breaks(self.file.text_start());
        let mut header = true;
        while start < self.file.len() {
            let (mut count, mut last) = (0, start);
            let end = self.each_field(start, |offset, text| {
                count += 1;
                last = offset;
                if header {
                    columns.push(text.trim().to_owned());
                }
            });
            if count == columns.len() && !header {
                rows.push(start);
            } else if !header {
                // The place of the error: the last field, or the end of a row with too few.
                let offset = if count > columns.len() {
                    last
                } else {
                    end.saturating_sub(1).max(start)
                };
                errors.push(
                    offset,
                    format_args!(
                        "the row has {count} fields and the header {}; quote a field that holds the delimiter",
                        columns.len()
                    ),
                );
            }
            header = false;
            start = self.skip_line_breaks(end);
        }
        (columns, rows)
    }

    /// The names of all members unless there are many, and the offset of each line.
    fn index_json_lines(&self, errors: &mut FileErrorList<'_>) -> (Vec<String>, RowIndex) {
        let (mut names, mut rows) = (BTreeSet::new(), RowIndex::default());
        let mut start = self.skip_blank_lines(self.file.text_start());
        while start < self.file.len() {
            let line = self.file.line(start);
            match serde_json::from_slice::<UniqueMembers>(&line) {
                Ok(UniqueMembers(members)) => {
                    rows.push(start);
                    if names.len() <= MAX_MEMBER_NAMES {
                        names.extend(members);
                    }
                }
                Err(error) => {
                    let text = error.to_string();
                    let cut = text.find(" at line").unwrap_or(text.len());
                    let cause = text.get(..cut).unwrap_or(&text);
                    errors.push(
                        start + error.column().saturating_sub(1),
                        format_args!("{cause}; a JSON object a line is right"),
                    );
                }
            }
            start = self.skip_blank_lines(start + line.len() + 1);
        }
        if names.len() > MAX_MEMBER_NAMES {
            names.clear();
        }
        (names.into_iter().collect(), rows)
    }

    /// The offset of the next line that is not empty. A line with a space is a row of CSV.
    fn skip_line_breaks(&self, mut start: usize) -> usize {
        loop {
            let skipped = self.file.with_bytes(start, |bytes| {
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

    /// The offset of the next line with more than white space.
    fn skip_blank_lines(&self, mut start: usize) -> usize {
        while start < self.file.len() {
            let line = self.file.line(start);
            if !line.trim_ascii().is_empty() {
                return start;
            }
            start += line.len() + 1;
        }
        start
    }

    /// Calls `found` for each field of the CSV record at an offset, with the field's
    /// offset. Returns the offset of the next record.
    fn each_field(&self, mut offset: usize, mut found: impl FnMut(usize, &str)) -> usize {
        let mut parser = self.parser.borrow_mut();
        let CsvParser { reader, field } = &mut *parser;
        reader.reset();
        loop {
            let begin = offset;
            let mut written = 0;
            loop {
                let output = field.get_mut(written..).unwrap_or_default();
                let (result, read, wrote) = self
                    .file
                    .with_bytes(offset, |input| reader.read_field(input, output));
                offset += read;
                written += wrote;
                match result {
                    // At the end of the file, empty input ends the field.
                    ReadFieldResult::InputEmpty if offset < self.file.len() || read > 0 => {}
                    ReadFieldResult::OutputFull if field.len() < MAX_FIELD_BYTES => {
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
                    _ => return self.file.len(),
                }
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn columns(&self) -> &[Rc<str>] {
        &self.columns
    }

    /// The offset of each column's name in the header of a CSV file.
    pub(crate) fn header_offsets(&self) -> Vec<usize> {
        let mut offsets = Vec::new();
        let start = self.skip_line_breaks(self.file.text_start());
        self.each_field(start, |offset, _| offsets.push(offset));
        offsets
    }

    /// Line and column of an offset, such as `1:5`.
    pub(crate) fn place(&self, offset: usize) -> String {
        let (line, column) = self.file.line_and_column(offset);
        format!("{line}:{column}")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The names of all members of JSON lines; none when there are too many to keep.
    pub(crate) fn member_names(&self) -> &[Rc<str>] {
        &self.columns
    }

    /// The names of the columns: of JSON lines, the members of the first line.
    pub(crate) fn column_names(&self) -> Vec<Rc<str>> {
        match self.format {
            DataFormat::Csv => self.columns.clone(),
            DataFormat::JsonLines => match self.json(0) {
                Value::Object(members) => members.iter().map(|(name, _)| Rc::clone(name)).collect(),
                _ => Vec::new(),
            },
        }
    }

    pub(crate) const fn format(&self) -> DataFormat {
        self.format
    }

    /// Calls `found` for each field of a CSV row, with the column's position, the offset in
    /// the file, and the text.
    pub(crate) fn fields(&self, row: usize, mut found: impl FnMut(usize, usize, &str)) {
        if row >= self.rows.len() {
            return;
        }
        let mut column = 0;
        let end = self.each_field(self.offset(row), |offset, text| {
            found(column, offset, text);
            column += 1;
        });
        // A reader of one row after the other need not search for the next one.
        self.last.set((row + 1, self.skip_line_breaks(end)));
    }

    /// A row of JSON lines as a value.
    pub(crate) fn json(&self, row: usize) -> Value {
        if row >= self.rows.len() {
            return Value::Missing;
        }
        let line = self.file.line(self.offset(row));
        exact_json::read(&line).unwrap_or_default()
    }

    /// The offset of a row in the file.
    pub(crate) fn offset(&self, row: usize) -> usize {
        let noted = self.rows.nearest_before(row);
        let last = self.last.get();
        let (mut at, mut offset) = if (noted.0..=row).contains(&last.0) {
            last
        } else {
            noted
        };
        while at < row {
            offset = match self.format {
                DataFormat::Csv => self.skip_line_breaks(self.each_field(offset, |_, _| {})),
                DataFormat::JsonLines => {
                    self.skip_blank_lines(offset + self.file.line(offset).len() + 1)
                }
            };
            at += 1;
        }
        self.last.set((at, offset));
        offset
    }

    /// An empty list of errors of this file.
    pub(crate) fn errors(&self) -> FileErrorList<'_> {
        FileErrorList::new(&self.name, &self.file)
    }
}
