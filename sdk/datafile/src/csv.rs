//! Reads the records of CSV (RFC 4180).
//!
//! The parser is `csv-core`; the crate `csv` adds only conversions to Rust types.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::input::{Input, Position, ReadError, skip_mark, skip_while};

/// A reader of records, which it holds one at a time.
pub struct CsvReader {
    parser: Reader,
    /// The most bytes of a record.
    max_bytes: usize,
    position: Position,
    start: Position,
    /// The fields of the record, one behind the other.
    values: Vec<u8>,
    /// The end of each field in `values`, and the place of its first byte in the file.
    ends: Vec<(usize, u64)>,
}

impl CsvReader {
    /// Makes a reader of records of up to `max_bytes`.
    #[must_use]
    pub fn new(delimiter: u8, max_bytes: usize) -> Self {
        Self {
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            max_bytes,
            position: Position::START,
            start: Position::START,
            values: vec![0; 256],
            ends: Vec::new(),
        }
    }

    /// Continues at an offset at which a record begins. The input must do the same.
    pub fn jump(&mut self, offset: u64) {
        self.position.offset = offset;
    }

    /// Reads the next record, and returns whether there is one. Empty lines are skipped.
    ///
    /// # Errors
    /// Bytes that cannot be read, and a record that is too long.
    pub fn read<I: Input>(&mut self, input: &mut I) -> Result<bool, ReadError<I::Error>> {
        self.ends.clear();
        self.parser.reset();
        skip_mark(input, &mut self.position)?;
        let breaks = |byte| matches!(byte, b'\n' | b'\r');
        let next = skip_while(input, &mut self.position, breaks)?;
        self.start = self.position;
        if next.is_none() {
            return Ok(false);
        }
        let mut written = 0;
        let mut begin = self.position.offset;
        loop {
            let output = self.values.get_mut(written..).unwrap_or_default();
            let (parser, position) = (&mut self.parser, &mut self.position);
            let (result, wrote) = input.take(|bytes| {
                let (result, read, wrote) = parser.read_field(bytes, output);
                position.pass(bytes.get(..read).unwrap_or_default());
                (read, (result, wrote))
            })?;
            written += wrote;
            match result {
                // The end of the input ends the field.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull if self.values.len() < self.max_bytes => {
                    self.values.resize(self.values.len() * 2, 0);
                }
                ReadFieldResult::OutputFull => {
                    let text = format!(
                        "this row is longer than {} MiB; is a quote not closed?",
                        self.max_bytes >> 20
                    );
                    return Err(ReadError::Form {
                        at: self.start,
                        text,
                    });
                }
                ReadFieldResult::Field { record_end } => {
                    self.ends.push((written, begin));
                    if record_end {
                        return Ok(true);
                    }
                    begin = self.position.offset;
                }
                ReadFieldResult::End => return Ok(!self.ends.is_empty()),
            }
        }
    }

    /// Returns the number of fields of the record.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.ends.len()
    }

    /// Returns a field of the record.
    #[must_use]
    pub fn field(&self, number: usize) -> Option<&[u8]> {
        let begin = match number.checked_sub(1) {
            Some(before) => self.ends.get(before)?.0,
            None => 0,
        };
        self.values.get(begin..self.ends.get(number)?.0)
    }

    /// Returns the offset of a field in the file.
    #[must_use]
    pub fn offset(&self, number: usize) -> Option<u64> {
        self.ends.get(number).map(|(_, offset)| *offset)
    }

    /// Returns the place at which the record begins.
    #[must_use]
    pub const fn start(&self) -> Position {
        self.start
    }

    /// Returns the place behind the record.
    #[must_use]
    pub const fn end(&self) -> Position {
        self.position
    }
}

/// Returns a sentence about a record that has another number of fields than the header.
#[must_use]
pub fn refuse_count(count: usize, columns: usize) -> String {
    format!(
        "the row has {count} {} and the header {columns}; quote a field that holds the delimiter",
        if count == 1 { "field" } else { "fields" }
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::Pieces;

    /// All records with their lines and the offsets of their fields.
    fn records(text: &str, length: usize) -> Vec<(u64, Vec<(u64, String)>)> {
        let mut input = Pieces {
            bytes: text.as_bytes(),
            length,
        };
        let mut reader = CsvReader::new(b',', 1 << 20);
        let mut found = Vec::new();
        while reader.read(&mut input).unwrap() {
            let field = |number| {
                let text = String::from_utf8_lossy(reader.field(number)?).into_owned();
                Some((reader.offset(number)?, text))
            };
            let fields = (0..reader.count()).filter_map(field).collect();
            found.push((reader.start().line, fields));
        }
        found
    }

    #[test]
    fn records_have_their_lines_and_fields_their_offsets() {
        let text = "\u{feff}a,\"b\"\r\n\r\n1,\"x,\n\"\"y\"\"\"\r\n,\n3,";
        let field = |offset, text: &str| (offset, text.to_owned());
        for length in [1, 4, 1_000] {
            assert_eq!(
                records(text, length),
                [
                    (1, vec![field(3, "a"), field(5, "b")]),
                    (3, vec![field(12, "1"), field(14, "x,\n\"y\"")]),
                    (5, vec![field(26, ""), field(27, "")]),
                    (6, vec![field(28, "3"), field(30, "")]),
                ],
                "{length}"
            );
        }
    }

    #[test]
    fn record_that_is_too_long_is_refused_at_its_start() {
        let text = format!("a\n\"{}", "x".repeat(300));
        let mut input = Pieces {
            bytes: text.as_bytes(),
            length: 10,
        };
        let mut reader = CsvReader::new(b',', 256);
        assert_eq!(reader.read(&mut input), Ok(true));
        let Err(ReadError::Form { at, text }) = reader.read(&mut input) else {
            panic!("it was read");
        };
        assert_eq!((at.line, at.offset), (2, 2));
        assert!(text.ends_with("is a quote not closed?"), "{text}");
    }

    proptest! {
        #[test]
        fn records_do_not_depend_on_the_pieces(text in "[ab,\"\n\r]{0,60}", length in 1_usize..9) {
            prop_assert_eq!(records(&text, length), records(&text, 1_000));
        }
    }
}
