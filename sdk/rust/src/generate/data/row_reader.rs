//! Reads rows of all formats, one at a time.

use mockfleet_datafile::{CsvReader, Format, Input, JsonForm, JsonReader, Position, ReadError};

/// The longest row of a file, in bytes.
const MAX_ROW_BYTES: usize = 1 << 20;

/// A reader of the rows of one format.
pub(crate) enum RowReader {
    Csv(Box<CsvReader>),
    Json(JsonReader),
}

impl std::fmt::Debug for RowReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RowReader")
    }
}

impl RowReader {
    pub(crate) fn new(format: Format) -> Self {
        let json = |form| Self::Json(JsonReader::new(form, MAX_ROW_BYTES));
        match format {
            Format::Csv { delimiter } => {
                Self::Csv(Box::new(CsvReader::new(delimiter, MAX_ROW_BYTES)))
            }
            Format::JsonLines => json(JsonForm::Lines),
            Format::JsonList => json(JsonForm::List),
        }
    }

    /// Continues at the offset of a row, or behind one. The input must do the same.
    pub(crate) fn jump(&mut self, offset: usize) {
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        match self {
            Self::Csv(reader) => reader.jump(offset),
            Self::Json(reader) => reader.jump(offset),
        }
    }

    /// Reads the next row, and returns whether there is one.
    pub(crate) fn read<I: Input>(&mut self, input: &mut I) -> Result<bool, ReadError<I::Error>> {
        match self {
            Self::Csv(reader) => reader.read(input),
            Self::Json(reader) => reader.read(input),
        }
    }

    /// The offset of the row.
    pub(crate) fn start(&self) -> usize {
        offset(match self {
            Self::Csv(reader) => reader.start(),
            Self::Json(reader) => reader.start(),
        })
    }

    /// The offset behind the row.
    pub(crate) fn end(&self) -> usize {
        offset(match self {
            Self::Csv(reader) => reader.end(),
            Self::Json(reader) => reader.end(),
        })
    }

    /// The text of a JSON object; empty for CSV.
    pub(crate) fn json(&self) -> &[u8] {
        match self {
            Self::Csv(_) => &[],
            Self::Json(reader) => reader.text(),
        }
    }

    /// The fields of a CSV record, each with its offset; none for JSON.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, &str)> {
        let reader = match self {
            Self::Csv(reader) => Some(reader),
            Self::Json(_) => None,
        };
        reader.into_iter().flat_map(|reader| {
            (0..reader.count()).filter_map(|number| {
                let offset = usize::try_from(reader.offset(number)?).ok()?;
                let text = std::str::from_utf8(reader.field(number)?);
                Some((offset, text.unwrap_or_default()))
            })
        })
    }
}

fn offset(position: Position) -> usize {
    usize::try_from(position.offset).unwrap_or(usize::MAX)
}
