//! Measures rows as JSON, DynamoDB items and Kinesis records.
//!
//! Reads the Parquet files of a local log.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::schema::LogTable;
use crate::store::store_reader::StoreReader;

/// Bytes of an item in one write unit of DynamoDB (developer guide, "Read/write capacity
/// mode").
const WRITE_UNIT: u64 = 1 << 10;

/// Bytes of a record in one payload unit of Kinesis (pricing page).
const PAYLOAD_UNIT: u64 = 25 << 10;

/// Length of a time as ISO 8601 with microseconds, in quotes: `"2026-11-24T07:00:00.000000Z"`.
const TIME_LENGTH: u64 = 29;

/// The encoded size of all rows together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EncodedSizes {
    /// Number of rows.
    pub rows: u64,
    /// Bytes as JSON objects, without nulls.
    pub json: u64,
    /// Payload units of Kinesis, one record for each row.
    pub payload_units: u64,
    /// Bytes as DynamoDB items, without nulls (developer guide, "Item sizes and formats").
    pub item: u64,
    /// Write units of these items.
    pub write_units: u64,
}

impl EncodedSizes {
    /// Adds the sizes of other rows.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.json += other.json;
        self.payload_units += other.payload_units;
        self.item += other.item;
        self.write_units += other.write_units;
    }

    fn row(&mut self, json: u64, item: u64) {
        self.rows += 1;
        self.json += json;
        self.payload_units += json.div_ceil(PAYLOAD_UNIT);
        self.item += item;
        self.write_units += item.div_ceil(WRITE_UNIT);
    }
}

/// Measures all rows of a local log. Returns the sizes of `sends` and of `events`.
///
/// # Errors
/// [`LogError::Read`] if the folder or a file cannot be read.
pub fn encoded_sizes(folder: &Path) -> Result<(EncodedSizes, EncodedSizes), LogError> {
    let reader = StoreReader::open(&Store::Folder(folder.to_owned()))?;
    let of = |table: LogTable| -> Result<EncodedSizes, LogError> {
        let mut encoded_sizes = EncodedSizes::default();
        for found in reader.files(table)? {
            let file = folder.join(&found.key);
            measure(&file, &mut encoded_sizes).map_err(|source| LogError::Read {
                file: file.display().to_string(),
                source,
            })?;
        }
        Ok(encoded_sizes)
    };
    Ok((of(LogTable::Sends)?, of(LogTable::Events)?))
}

fn measure(file: &Path, encoded_sizes: &mut EncodedSizes) -> Result<(), ReadError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
    for batch in builder.build()? {
        add(&batch?, encoded_sizes)?;
    }
    Ok(())
}

fn add(batch: &RecordBatch, encoded_sizes: &mut EncodedSizes) -> Result<(), ReadError> {
    let rows = batch.num_rows();
    let mut json = vec![0_u64; rows];
    let mut item = vec![0_u64; rows];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = wide(field.name().len());
        for place in (0..rows).filter(|place| column.is_valid(*place)) {
            let (as_json, as_item) = value(column, place).ok_or_else(|| ReadError::ColumnType {
                column: field.name().clone(),
            })?;
            if let Some(json) = json.get_mut(place) {
                // Quotes around the name, a colon, and a comma or a brace.
                *json += name + as_json + 4;
            }
            if let Some(item) = item.get_mut(place) {
                *item += name + as_item;
            }
        }
    }
    for (json, item) in json.into_iter().zip(item) {
        // The other brace.
        encoded_sizes.row(json + 1, item);
    }
    Ok(())
}

/// Returns the bytes of a value in JSON, and as a DynamoDB attribute.
fn value(column: &ArrayRef, place: usize) -> Option<(u64, u64)> {
    Some(match column.data_type() {
        DataType::Utf8 => {
            let text = column.as_string_opt::<i32>()?.value(place);
            (quoted(text), wide(text.len()))
        }
        DataType::Binary => {
            let bytes = wide(column.as_binary_opt::<i32>()?.value(place).len());
            // JSON encodes bytes as Base64; DynamoDB counts the bytes themselves.
            (bytes.div_ceil(3) * 4 + 2, bytes)
        }
        DataType::Int32 => {
            let number = column.as_primitive_opt::<Int32Type>()?.value(place);
            whole(number.into())
        }
        DataType::Int64 => whole(column.as_primitive_opt::<Int64Type>()?.value(place)),
        DataType::Timestamp(..) => {
            let at = column.as_primitive_opt::<TimestampMicrosecondType>()?;
            (TIME_LENGTH, whole(at.value(place)).1)
        }
        _ => return None,
    })
}

/// Returns the length of a text in JSON, with quotes and escapes (RFC 8259, section 7).
fn quoted(text: &str) -> u64 {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    });
    wide(text.len()) + 2 + escapes.sum::<u64>()
}

/// Returns the bytes of a number in JSON and in DynamoDB. DynamoDB stores two significant
/// digits in a byte, and adds one byte.
fn whole(number: i64) -> (u64, u64) {
    let digits = number.to_string();
    let significant = digits.trim_start_matches('-').trim_end_matches('0').len();
    (wide(digits.len()), wide(significant).div_ceil(2) + 1)
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BinaryArray, Int64Array, StringArray};

    use super::*;

    #[test]
    fn texts_are_as_long_as_json_has_them() {
        for text in [
            "",
            "plain",
            "a \"b\" \\ \n\t",
            "\u{1}\u{8}\u{c}\r",
            "Grüße ☀",
        ] {
            let wanted = serde_json::to_string(text).unwrap().len();
            assert_eq!(quoted(text), wide(wanted), "{text:?}");
        }
    }

    #[test]
    fn numbers_take_half_a_byte_a_digit() {
        assert_eq!(whole(0), (1, 1));
        assert_eq!(whole(7), (1, 2));
        assert_eq!(whole(-1234), (5, 3));
        assert_eq!(whole(1_200_000), (7, 2));
    }

    #[test]
    fn rows_are_measured_without_their_nulls() {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![12, 345])) as ArrayRef),
            (
                "t",
                Arc::new(StringArray::from(vec![Some("a\"b"), None])) as ArrayRef,
            ),
            (
                "b",
                Arc::new(BinaryArray::from_opt_vec(vec![None, Some(b"\xff\xfe")])) as ArrayRef,
            ),
        ]);
        let mut encoded_sizes = EncodedSizes::default();
        add(&batch.unwrap(), &mut encoded_sizes).unwrap();
        let first = r#"{"n":12,"t":"a\"b"}"#;
        let second = r#"{"n":345,"b":"//4="}"#;
        let wanted = EncodedSizes {
            rows: 2,
            json: wide(first.len() + second.len()),
            payload_units: 2,
            // n + 2 bytes, t + 3; n + 3 bytes, b + 2.
            item: 3 + 4 + 4 + 3,
            write_units: 2,
        };
        assert_eq!(encoded_sizes, wanted);
        encoded_sizes.row((25 << 10) + 1, 1025);
        assert_eq!(
            (encoded_sizes.payload_units, encoded_sizes.write_units),
            (4, 4)
        );
    }
}
