//! Indexes and reads the rows of CSV, JSON lines and JSON lists.
//!
//! A row is read when it is needed: ten thousand devices on a file take no more memory
//! than one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use mockfleet_datafile::{
    Format, NOT_UTF8, ReadError, delimiter, find_nan, looks_like_data, offset_of, refuse_count,
    refuse_encoding, refuse_nan, sniff,
};
use serde::{Deserialize, Serialize};

use crate::generate::common::problems::Problems;
use crate::generate::common::value::Value;
use crate::generate::data::exact_json;
use crate::generate::data::file_cache::get_or_compute;
use crate::generate::data::file_errors::{FileErrorList, FileErrors};
use crate::generate::data::file_source::FileSource;
use crate::generate::data::file_window::WindowedFile;
use crate::generate::data::format::DataFormat;
use crate::generate::data::json_shape::{JsonShape, RowShapes};
use crate::generate::data::row_index::RowIndex;
use crate::generate::data::row_reader::RowReader;

/// Bytes from which the format is found.
const LOOKED_AT: usize = 16 << 10;

/// The settings of a table; what is absent is found from the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableOptions {
    pub(crate) format: Option<DataFormat>,
    pub(crate) delimiter: Option<u8>,
    /// The names of the columns of a CSV file without a header line.
    pub(crate) header: Vec<String>,
}

/// A data file and the offsets of its rows.
#[derive(Debug)]
pub(crate) struct Table {
    name: String,
    file: WindowedFile,
    format: Format,
    /// The columns of a CSV file.
    columns: Vec<Rc<str>>,
    /// The parts of the objects of a JSON file.
    shape: JsonShape,
    /// Whether numbers of the shape need one type.
    is_mixed: bool,
    has_header: bool,
    /// The first line has values instead of names.
    begins_with_data: bool,
    rows: RowIndex,
    /// The row that is near, since the one before it was read last, and an offset before it.
    last: Cell<(usize, usize)>,
    /// Reused, since making a reader costs more than reading a row.
    reader: RefCell<RowReader>,
}

/// The result of reading a whole file.
#[derive(Default, Serialize, Deserialize)]
struct TableIndex {
    names: Vec<String>,
    shape: JsonShape,
    rows: RowIndex,
    begins_with_data: bool,
}

impl Table {
    /// Opens a file and indexes its rows. `None` after reporting its errors under the key
    /// `file`.
    pub(crate) fn open(
        source: &FileSource,
        name: &str,
        options: &TableOptions,
        problems: &mut Problems,
    ) -> Option<Self> {
        let file = WindowedFile::open(source, name, "file", problems)?;
        let found = file.with_bytes(0, |bytes| {
            let start = bytes.get(..LOOKED_AT.min(bytes.len())).unwrap_or_default();
            match refuse_encoding(start) {
                Some(why) => Err(why),
                None => Ok(match options.format {
                    None => sniff(start),
                    Some(DataFormat::JsonLines) => Format::JsonLines,
                    Some(DataFormat::JsonList) => Format::JsonList,
                    Some(DataFormat::Csv) => Format::Csv {
                        delimiter: delimiter(start),
                    },
                }),
            }
        });
        let mut format = found
            .map_err(|why| problems.report("file", format_args!("{name}: {why}")))
            .ok()?;
        if let (Format::Csv { delimiter }, Some(wanted)) = (&mut format, options.delimiter) {
            *delimiter = wanted;
        }
        let is_csv = matches!(format, Format::Csv { .. });
        let csv_only = |given: bool, key: &str, problems: &mut Problems| {
            let text = format_args!("{name} is JSON, and only CSV has this key; leave it out");
            problems.require(!given || is_csv, key, text)
        };
        let right = csv_only(options.delimiter.is_some(), "delimiter", problems)
            & csv_only(!options.header.is_empty(), "header", problems);
        if !right | !require_names(&options.header, problems) {
            return None;
        }
        let mut table = Self {
            name: name.to_owned(),
            file,
            format,
            columns: Vec::new(),
            shape: JsonShape::default(),
            is_mixed: false,
            has_header: options.header.is_empty(),
            begins_with_data: false,
            rows: RowIndex::default(),
            last: Cell::new((0, 0)),
            reader: RefCell::new(RowReader::new(format)),
        };
        let key = format!("rows {format:?} {:?} {name}", options.header);
        let indexed = get_or_compute(source.is_in_group(), &key, || {
            table.index_rows(&options.header)
        });
        let index = indexed
            .map_err(|errors| errors.report("file", problems))
            .ok()?;
        table.columns = index
            .names
            .iter()
            .map(|name| Rc::from(name.as_str()))
            .collect();
        table.is_mixed = index.shape.is_mixed();
        table.shape = index.shape;
        table.begins_with_data = index.begins_with_data;
        table.last.set(index.rows.nearest_before(0));
        table.rows = index.rows;
        Some(table)
    }

    /// Reads the whole file: the names of its columns, and the offset of each row.
    fn index_rows(&self, header: &[String]) -> Result<TableIndex, FileErrors> {
        let mut errors = self.errors();
        if let Some(offset) = self.file.first_invalid_utf8() {
            errors.push(offset, NOT_UTF8);
        }
        if u32::try_from(self.file.len()).is_err() {
            errors.push(0, "the file is too large; up to 4 GiB are right");
        }
        errors.finish(())?;
        let mut errors = self.errors();
        let mut reader = RowReader::new(self.format);
        let mut input = self.file.cursor(0);
        let mut index = match self.format {
            Format::Csv { .. } => CsvIndex::new(header),
            Format::JsonLines | Format::JsonList => CsvIndex::default(),
        };
        let mut shapes = RowShapes::default();
        loop {
            match reader.read(&mut input) {
                Ok(false) => break,
                Ok(true) if matches!(self.format, Format::Csv { .. }) => {
                    index.add(&reader, &mut errors);
                }
                Ok(true) => match shapes.add(reader.json()) {
                    Ok(()) => index.found.rows.push(reader.start()),
                    Err(error) => self.refuse_json(&reader, &error, &mut errors),
                },
                Err(ReadError::Input(never)) => match never {},
                Err(ReadError::Form { at, text }) => {
                    errors.push(usize::try_from(at.offset).unwrap_or(usize::MAX), text);
                    break;
                }
            }
        }
        let mut found = index.found;
        found.shape = shapes.shape;
        if found.rows.len() == 0 && errors.is_empty() {
            errors.push(self.file.len(), "the file has no rows");
        }
        errors.finish(found)
    }

    /// Adds the error of a text that is no object.
    fn refuse_json(
        &self,
        reader: &RowReader,
        error: &serde_json::Error,
        errors: &mut FileErrorList<'_>,
    ) {
        let text = reader.json();
        if let Some((offset, word)) = find_nan(text) {
            errors.push(reader.start() + offset, refuse_nan(word));
            return;
        }
        let right = match self.format {
            Format::JsonList => "a list of JSON objects is right",
            _ if error.is_eof() => "a JSON object a line is right, which jq -c . OLD > NEW writes",
            _ => "a JSON object a line is right",
        };
        let said = error.to_string();
        let cause = said.split(" at line").next().unwrap_or(&said);
        errors.push(
            reader.start() + offset_of(text, error.line(), error.column()),
            format_args!("{cause}; {right}"),
        );
    }

    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn columns(&self) -> &[Rc<str>] {
        &self.columns
    }

    /// The offset of each column's name in the header of a CSV file.
    pub(crate) fn header_offsets(&self) -> Vec<usize> {
        let mut reader = RowReader::new(self.format);
        let read = reader.read(&mut self.file.cursor(0));
        let has_names = self.has_header && read == Ok(true);
        let fields = reader.fields().filter(|_| has_names);
        fields.map(|(offset, _)| offset).collect()
    }

    /// Whether the first line has values instead of names.
    pub(crate) const fn begins_with_data(&self) -> bool {
        self.begins_with_data
    }

    /// Line and column of an offset, such as `1:5`.
    pub(crate) fn place(&self, offset: usize) -> String {
        let (line, column) = self.file.line_and_column(offset);
        format!("{line}:{column}")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The parts of the objects of a JSON file.
    pub(crate) const fn shape(&self) -> &JsonShape {
        &self.shape
    }

    /// The names of the columns: of JSON lines, the members of the first line.
    pub(crate) fn column_names(&self) -> Vec<Rc<str>> {
        if self.is_csv() {
            return self.columns.clone();
        }
        match self.json(0) {
            Value::Object(members) => members.iter().map(|(name, _)| Rc::clone(name)).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) const fn is_csv(&self) -> bool {
        matches!(self.format, Format::Csv { .. })
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether numbers may have a comma instead of a point: the delimiter is another one.
    pub(crate) const fn has_commas(&self) -> bool {
        matches!(self.format, Format::Csv { delimiter } if delimiter != b',')
    }

    /// Calls `found` for each field of a CSV row, with the column's position, the offset in
    /// the file, and the text.
    pub(crate) fn fields(&self, row: usize, mut found: impl FnMut(usize, usize, &str)) {
        self.with_row(row, |reader| {
            for (column, (offset, text)) in reader.fields().enumerate() {
                found(column, offset, text);
            }
        });
    }

    /// A row of JSON as a value. A number of a field with fractions has one, too.
    pub(crate) fn json(&self, row: usize) -> Value {
        let value = self.with_row(row, |reader| exact_json::read(reader.json()));
        let value = value.flatten().unwrap_or_default();
        if self.is_mixed {
            self.shape.unify(value)
        } else {
            value
        }
    }

    /// The offset of a row in the file.
    pub(crate) fn offset(&self, row: usize) -> usize {
        self.with_row(row, RowReader::start).unwrap_or(0)
    }

    /// Reads a row. `None` if there is no such row.
    fn with_row<T>(&self, row: usize, look: impl FnOnce(&RowReader) -> T) -> Option<T> {
        if row >= self.rows.len() {
            return None;
        }
        let last = self.last.get();
        if last.0 == row + 1 {
            // The devices of a cell are often at the same row: the reader has it.
            return Some(look(&self.reader.borrow()));
        }
        let noted = self.rows.nearest_before(row);
        let (mut at, offset) = if (noted.0..=row).contains(&last.0) {
            last
        } else {
            noted
        };
        let mut reader = self.reader.borrow_mut();
        reader.jump(offset);
        let mut input = self.file.cursor(offset);
        while reader.read(&mut input) == Ok(true) {
            at += 1;
            if at > row {
                // A reader of one row after the other need not search for the next one.
                self.last.set((at, reader.end()));
                return Some(look(&reader));
            }
        }
        None
    }

    /// An empty list of errors of this file.
    pub(crate) fn errors(&self) -> FileErrorList<'_> {
        FileErrorList::new(&self.name, &self.file)
    }
}

/// Whether the given names of columns differ, and none is empty. Reports the others.
fn require_names(header: &[String], problems: &mut Problems) -> bool {
    let mut known = BTreeSet::new();
    let wrong = header
        .iter()
        .find(|name| name.is_empty() || !known.insert(*name));
    let text = format_args!(
        "{:?} is there twice, or is no name; each column needs a name of its own",
        wrong.map(String::as_str).unwrap_or_default()
    );
    problems.require(wrong.is_none(), "header", text)
}

/// The index of a CSV file that is being read.
#[derive(Default)]
struct CsvIndex {
    found: TableIndex,
    /// The fields of the first line, until the second one is compared with them.
    first: Option<Vec<String>>,
}

impl CsvIndex {
    /// Begins an index with the names of the columns; none if the first line has them.
    fn new(header: &[String]) -> Self {
        let mut index = Self::default();
        index.found.names = header.to_vec();
        index
    }

    fn add(&mut self, reader: &RowReader, errors: &mut FileErrorList<'_>) {
        if self.found.names.is_empty() {
            let names = reader.fields().map(|(_, text)| text.trim().to_owned());
            self.found.names = names.collect();
            self.first = Some(self.found.names.clone());
            return;
        }
        let columns = self.found.names.len();
        let (mut count, mut last) = (0, 0);
        for (offset, _) in reader.fields() {
            count += 1;
            last = offset;
        }
        if count == columns {
            if let Some(first) = self.first.take() {
                let row: Vec<String> = reader.fields().map(|(_, text)| text.to_owned()).collect();
                self.found.begins_with_data = looks_like_data(&first, &row);
            }
            self.found.rows.push(reader.start());
            return;
        }
        // The place of the error: the last field, or the end of a row with too few.
        let offset = if count > columns {
            last
        } else {
            reader.end().saturating_sub(1).max(reader.start())
        };
        errors.push(offset, refuse_count(count, columns));
    }
}
