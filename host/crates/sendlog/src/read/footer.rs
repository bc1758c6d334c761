//! Reads the footer of a log file and its statistics.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use crate::error::read_error::ReadError;
use crate::error::read_error::catch_panic;
use crate::format::schema::LogTable;
use crate::store::file_reader::FileReader;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// Rows of a single text column that are decoded at once.
const VALUE_BATCH_ROWS: usize = 65_536;

/// Rows of several columns that are decoded at once: they fit the processor's caches.
const ROWS: usize = 8_192;

/// The footer of a file that mockfleet wrote.
#[derive(Debug)]
pub(crate) struct Footer {
    pub(crate) run: String,
    pub(crate) host: String,
    /// The fleet's name. Files of earlier versions do not have it.
    pub(crate) fleet: Option<String>,
    metadata: ArrowReaderMetadata,
    source: FileReader,
}

/// Number of rows for each value of a column.
pub(crate) type ValueCounts = BTreeMap<String, u64>;

impl Footer {
    /// Reads the footer.
    ///
    /// # Errors
    /// The reason why the file cannot be read, or the fact that mockfleet did not write it.
    pub(crate) fn read(reader: &StoreReader, found: &ObjectMeta) -> Result<Self, ReadError> {
        if let Some(problem) = &found.problem {
            return Err(ReadError::Store(Arc::clone(problem)));
        }
        if !found.key.ends_with(".parquet") {
            return Err(ReadError::NotParquet);
        }
        let source = reader.open_file(found)?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = catch_panic(|| ArrowReaderMetadata::load(&source, options))?;
        let pairs = metadata.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            let pair = pairs?.iter().find(|pair| pair.key == key)?;
            pair.value.clone()
        };
        let (Some(_), Some(run), Some(host)) = (
            value("mockfleet.schema"),
            value("mockfleet.run"),
            value("mockfleet.host"),
        ) else {
            return Err(ReadError::Foreign);
        };
        let fleet = value("mockfleet.fleet");
        Ok(Self {
            run,
            host,
            fleet,
            metadata,
            source,
        })
    }

    fn groups(&self) -> &[RowGroupMetaData] {
        self.metadata.metadata().row_groups()
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> u64 {
        let rows = self.groups().iter().map(RowGroupMetaData::num_rows).sum();
        i64::try_into(rows).unwrap_or(0)
    }

    /// Returns the number of row groups.
    pub(crate) fn row_groups(&self) -> usize {
        self.groups().len()
    }

    /// Reads the given columns of some row groups, batch by batch.
    ///
    /// # Errors
    /// The problem with the file, or the error that `take` returned for a batch.
    pub(crate) fn read_groups(
        self,
        groups: Range<usize>,
        columns: &[&str],
        mut take: impl FnMut(&RecordBatch) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Self {
            metadata, source, ..
        } = self;
        catch_panic(|| -> Result<(), ReadError> {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata);
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            let batches = builder
                .with_projection(mask)
                .with_row_groups(groups.collect())
                .with_batch_size(ROWS)
                .build()?;
            for batch in batches {
                take(&batch?)?;
            }
            Ok(())
        })
    }

    /// Returns the earliest and the latest time of the rows, in microseconds since 1970: a
    /// message's due time, or an event's time.
    pub(crate) fn span(&self, table: LogTable) -> Option<(i64, i64)> {
        let column = match table {
            LogTable::Sends => "scheduled_at",
            LogTable::Events => "at",
        };
        let spans = self.groups().iter().map(|group| {
            let Some(Statistics::Int64(numbers)) = statistics(group, column) else {
                return None;
            };
            Some((*numbers.min_opt()?, *numbers.max_opt()?))
        });
        spans
            .reduce(|a, b| Some((a?.0.min(b?.0), a?.1.max(b?.1))))
            .flatten()
    }

    /// Reads the given columns of all rows, batch by batch.
    ///
    /// # Errors
    /// The problem with the columns, or the error that `work` returned for a batch.
    pub(crate) fn batches(
        self,
        columns: &[&str],
        size: usize,
        mut work: impl FnMut(&RecordBatch) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Self {
            metadata, source, ..
        } = self;
        catch_panic(|| -> Result<(), ReadError> {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata);
            let columns = columns.iter().copied();
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
            let batches = builder
                .with_projection(mask)
                .with_batch_size(size)
                .build()?;
            for batch in batches {
                work(&batch?)?;
            }
            Ok(())
        })
    }

    /// Counts the rows of each outcome.
    ///
    /// # Errors
    /// The problem with the column.
    pub(crate) fn outcomes(self) -> Result<ValueCounts, ReadError> {
        self.value_counts("outcome")
    }

    /// Counts the rows of each value of a column. Reads only this column, and only in row
    /// groups whose statistics do not have the value already.
    ///
    /// # Errors
    /// The problem with the column.
    pub(crate) fn value_counts(self, column: &str) -> Result<ValueCounts, ReadError> {
        let mut outcomes = ValueCounts::new();
        let mut mixed = Vec::new();
        for (number, group) in self.groups().iter().enumerate() {
            let rows: u64 = group.num_rows().try_into().unwrap_or(0);
            match statistics(group, column).and_then(only_word) {
                Some(word) => *outcomes.entry(word).or_default() += rows,
                None => mixed.push(number),
            }
        }
        if !mixed.is_empty() {
            let Self {
                metadata, source, ..
            } = self;
            catch_panic(|| read(source, metadata, column, mixed, &mut outcomes))?;
        }
        Ok(outcomes)
    }
}

fn read(
    source: FileReader,
    metadata: ArrowReaderMetadata,
    column: &str,
    groups: Vec<usize>,
    outcomes: &mut ValueCounts,
) -> Result<(), ReadError> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata);
    let mask = ProjectionMask::columns(builder.parquet_schema(), [column]);
    let batches = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .with_batch_size(VALUE_BATCH_ROWS)
        .build()?;
    for batch in batches {
        let batch = batch?;
        let value_counts = batch
            .column_by_name(column)
            .and_then(|column| column.as_string_opt::<i32>())
            .ok_or_else(|| ReadError::Column {
                column: column.to_owned(),
            })?;
        let mut value_counts = value_counts.iter().flatten().peekable();
        while let Some(word) = value_counts.next() {
            let mut times = 1;
            while value_counts.next_if_eq(&word).is_some() {
                times += 1;
            }
            *outcomes.entry(word.to_owned()).or_default() += times;
        }
    }
    Ok(())
}

fn statistics<'a>(group: &'a RowGroupMetaData, column: &str) -> Option<&'a Statistics> {
    let mut columns = group.columns().iter();
    let found = columns.find(|chunk| chunk.column_path().string() == column)?;
    found.statistics()
}

/// Returns the value of all rows, if the smallest value is also the largest.
fn only_word(statistics: &Statistics) -> Option<String> {
    let exact = statistics.min_is_exact() && statistics.max_is_exact();
    let (min, max) = (statistics.min_bytes_opt()?, statistics.max_bytes_opt()?);
    if !exact || min != max || statistics.null_count_opt() != Some(0) {
        return None;
    }
    String::from_utf8(min.to_owned()).ok()
}
