//! Reads rows of Parquet files, by column.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::error::read_error::ReadError;
use crate::error::read_error::catch_panic;
use crate::read::value::TableValue;
use crate::store::file_reader::FileReader;

/// Rows that are decoded at once: a few MiB of usual payloads.
const BATCH_ROWS: usize = 8_192;

/// Receives a row: its number from one, and its cells in the requested order.
pub type RowVisitor<'a> = dyn FnMut(u64, &[TableValue<'_>]) -> ControlFlow<()> + 'a;

/// A column whose values are floats, which do not hold every number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FloatColumn {
    /// Name of the column.
    pub name: String,
    /// Whether the floats have 32 bits, and not 64.
    pub is_single: bool,
}

/// A Parquet file whose footer has been read.
pub struct ParquetFile {
    metadata: ArrowReaderMetadata,
    source: FileReader,
}

impl ParquetFile {
    /// Opens a local file.
    ///
    /// # Errors
    /// [`ReadError::Io`] if the file cannot be opened, and [`ReadError::Parquet`] or
    /// [`ReadError::DecoderPanic`] if it is no sound Parquet file.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Self::from_reader(FileReader::Local(File::open(path)?))
    }

    pub(crate) fn from_reader(source: FileReader) -> Result<Self, ReadError> {
        // Arrow's own schema is skipped: plain types instead of dictionaries.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = catch_panic(|| ArrowReaderMetadata::load(&source, options))?;
        Ok(Self { metadata, source })
    }

    /// Returns the names of the columns.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let fields = self.metadata.schema().fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    /// Returns the columns that are floats.
    #[must_use]
    pub fn float_columns(&self) -> Vec<FloatColumn> {
        let fields = self.metadata.schema().fields().iter();
        let floats = fields.filter_map(|field| {
            let is_single = match field.data_type() {
                DataType::Float32 => true,
                DataType::Float64 => false,
                _ => return None,
            };
            Some(FloatColumn {
                name: field.name().clone(),
                is_single,
            })
        });
        floats.collect()
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// Reads the given columns of all rows. A column that the file does not have is null
    /// everywhere.
    ///
    /// # Errors
    /// [`ReadError::Parquet`], [`ReadError::Arrow`] or [`ReadError::DecoderPanic`] if the rows
    /// cannot be decoded, and [`ReadError::NestedColumn`] if a column has no single values.
    pub fn read(self, wanted: &[&str], take: &mut RowVisitor<'_>) -> Result<(), ReadError> {
        let Self { metadata, source } = self;
        catch_panic(|| -> Result<(), ReadError> {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata);
            let mask = ProjectionMask::columns(builder.parquet_schema(), wanted.iter().copied());
            let batches = builder
                .with_projection(mask)
                .with_batch_size(BATCH_ROWS)
                .build()?;
            let mut number = 0;
            for batch in batches {
                let batch = batch?;
                let columns: Vec<Option<&ArrayRef>> = wanted
                    .iter()
                    .map(|name| batch.column_by_name(name))
                    .collect();
                let mut values = Vec::with_capacity(columns.len());
                for place in 0..batch.num_rows() {
                    number += 1;
                    values.clear();
                    for (column, name) in columns.iter().zip(wanted) {
                        values.push(match column {
                            None => TableValue::Null,
                            Some(column) => value(column, place)
                                .ok_or_else(|| nested(name, column.data_type()))?,
                        });
                    }
                    if take(number, &values).is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }
}

fn nested(column: &str, data_type: &DataType) -> ReadError {
    ReadError::NestedColumn {
        column: column.to_owned(),
        data_type: data_type.clone(),
    }
}

/// Returns the value of a column in a row. Returns `None` for a type that a cell cannot have.
fn value(column: &ArrayRef, place: usize) -> Option<TableValue<'_>> {
    if column.is_null(place) {
        return Some(TableValue::Null);
    }
    macro_rules! number {
        ($kind:ty) => {
            TableValue::Int(column.as_primitive_opt::<$kind>()?.value(place).into())
        };
    }
    Some(match column.data_type() {
        DataType::Null => TableValue::Null,
        DataType::Boolean => TableValue::Bool(column.as_boolean_opt()?.value(place)),
        DataType::Utf8 => TableValue::Text(column.as_string_opt::<i32>()?.value(place).into()),
        DataType::LargeUtf8 => TableValue::Text(column.as_string_opt::<i64>()?.value(place).into()),
        DataType::Utf8View => TableValue::Text(column.as_string_view_opt()?.value(place).into()),
        DataType::Binary => bytes(column.as_binary_opt::<i32>()?.value(place)),
        DataType::LargeBinary => bytes(column.as_binary_opt::<i64>()?.value(place)),
        DataType::BinaryView => bytes(column.as_binary_view_opt()?.value(place)),
        DataType::FixedSizeBinary(_) => bytes(column.as_fixed_size_binary_opt()?.value(place)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => {
            let value = column.as_primitive_opt::<UInt64Type>()?.value(place);
            match i64::try_from(value) {
                Ok(number) => TableValue::Int(number),
                Err(_) => TableValue::Text(value.to_string().into()),
            }
        }
        DataType::Float32 => {
            let value = column.as_primitive_opt::<Float32Type>()?.value(place);
            // A conversion of the bits would make 28.200000762939453 of 28.2.
            let nearest = value.to_string().parse();
            TableValue::Float(match nearest {
                Ok(nearest) if value.fract() != 0.0 => nearest,
                _ => value.into(),
            })
        }
        DataType::Float64 => {
            TableValue::Float(column.as_primitive_opt::<Float64Type>()?.value(place))
        }
        DataType::Date32 => {
            let days = column.as_primitive_opt::<Date32Type>()?.value(place);
            TableValue::Time(i64::from(days).saturating_mul(86_400_000_000))
        }
        DataType::Timestamp(unit, _) => TableValue::Time(match unit {
            TimeUnit::Second => column
                .as_primitive_opt::<TimestampSecondType>()?
                .value(place)
                .saturating_mul(1_000_000),
            TimeUnit::Millisecond => column
                .as_primitive_opt::<TimestampMillisecondType>()?
                .value(place)
                .saturating_mul(1_000),
            TimeUnit::Microsecond => column
                .as_primitive_opt::<TimestampMicrosecondType>()?
                .value(place),
            TimeUnit::Nanosecond => column
                .as_primitive_opt::<TimestampNanosecondType>()?
                .value(place)
                .div_euclid(1_000),
        }),
        _ => return None,
    })
}

/// Converts bytes to text if they are UTF-8: some writers store strings as binary columns.
fn bytes(value: &[u8]) -> TableValue<'_> {
    match std::str::from_utf8(value) {
        Ok(text) => TableValue::Text(text.into()),
        Err(_) => TableValue::Bytes(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float32Array, Float64Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use std::sync::Arc;

    #[test]
    fn floats_are_the_shortest_decimals_of_their_width() {
        let singles: ArrayRef =
            Arc::new(Float32Array::from(vec![28.2, -0.1, 16_777_216.0, f32::NAN]));
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![
            28.2,
            -0.1,
            9_007_199_254_740_992.0,
            f64::INFINITY,
        ]));
        let batch = RecordBatch::try_from_iter([("single", singles), ("double", doubles)]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer =
            ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let table = ParquetFile::open(file.path()).unwrap();
        let float = |name: &str, is_single| FloatColumn {
            name: name.into(),
            is_single,
        };
        assert_eq!(
            table.float_columns(),
            [float("single", true), float("double", false)]
        );
        let mut found = Vec::new();
        let mut take = |_, cells: &[TableValue<'_>]| {
            let texts = cells
                .iter()
                .map(|cell| cell.text().unwrap_or_default().into_owned());
            found.push(texts.collect::<Vec<_>>().join(" "));
            ControlFlow::Continue(())
        };
        table.read(&["single", "double"], &mut take).unwrap();
        assert_eq!(
            found,
            [
                "28.2 28.2",
                "-0.1 -0.1",
                "16777216 9007199254740992",
                "NaN inf",
            ]
        );
    }
}
