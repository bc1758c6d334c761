//! Fills one partition file with rows of one table and hour.

use std::sync::Arc;

use mockfleet_files::dir_handle::DirHandle;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use crate::format::file_name::LogKey;
use crate::format::identity::Identity;
use crate::format::record::EventRow;
use crate::format::record::MessageRow;
use crate::format::record::OutcomeRow;
use crate::format::schema::LogTable;
use crate::format::schema::pair;
use crate::spool::files::PartName;
use crate::spool::manifest::FinishedFile;
use crate::write::columns::EventColumns;
use crate::write::columns::LabelResolver;
use crate::write::columns::SendColumns;
use crate::write::parquet_writer::ParquetWriterThread;
use crate::write::progress::SharedProgress;

/// Number of rows that are encoded together: enough for fast encoders, and few enough to stay
/// in the cache.
const BATCH_ROWS: u32 = 4096;
/// Largest number of payload bytes that are encoded together, for large payloads.
const BATCH_BYTES: usize = 4 << 20;

#[derive(Debug)]
enum BatchColumns {
    Sends(Box<SendColumns>),
    Events(Box<EventColumns>),
}

/// A file that still receives rows.
pub(crate) struct OpenFile {
    pub(crate) table: LogTable,
    /// Hours since 1970.
    pub(crate) hour: i64,
    columns: BatchColumns,
    batch_rows: u32,
    batch_bytes: usize,
    writer: ParquetWriterThread,
    part: PartName,
    first: i64,
    last: i64,
    rows: u64,
    /// Number of rows in all files when this file was last looked up.
    pub(crate) used: i64,
}

/// A file that receives no more rows, while its last part is written.
pub(crate) struct ClosingFile {
    writer: ParquetWriterThread,
    file: FinishedFile,
}

impl OpenFile {
    pub(crate) fn open(
        table: LogTable,
        hour: i64,
        first: i64,
        folder: &DirHandle,
        part: PartName,
        options: ArrowWriterOptions,
        shared: &Arc<SharedProgress>,
    ) -> Result<Self, ParquetError> {
        let columns = match table {
            LogTable::Sends => BatchColumns::Sends(Box::new(SendColumns::new())),
            LogTable::Events => BatchColumns::Events(Box::new(EventColumns::new())),
        };
        Ok(Self {
            table,
            hour,
            columns,
            batch_rows: 0,
            batch_bytes: 0,
            writer: ParquetWriterThread::open(folder, &part, table.schema(), options, shared)?,
            part,
            first,
            last: first,
            rows: 0,
            used: 0,
        })
    }

    /// Appends a row to a file of `sends`. Returns false when the row refers to an entry that
    /// the run catalog lacks.
    pub(crate) fn send(
        &mut self,
        labels: &LabelResolver,
        row: &MessageRow<'_>,
        end: &OutcomeRow<'_>,
        log_seq: i64,
    ) -> Result<bool, ParquetError> {
        let BatchColumns::Sends(columns) = &mut self.columns else {
            return Ok(false);
        };
        if !columns.append(labels, row, end, log_seq) {
            return Ok(false);
        }
        self.batch_bytes += row.payload.len();
        self.appended(log_seq)
    }

    /// Appends a row to a file of `events`.
    pub(crate) fn event(
        &mut self,
        labels: &LabelResolver,
        row: &EventRow<'_>,
        log_seq: i64,
    ) -> Result<bool, ParquetError> {
        let BatchColumns::Events(columns) = &mut self.columns else {
            return Ok(false);
        };
        if !columns.append(labels, row, log_seq) {
            return Ok(false);
        }
        self.appended(log_seq)
    }

    fn appended(&mut self, log_seq: i64) -> Result<bool, ParquetError> {
        self.last = log_seq;
        self.rows += 1;
        self.batch_rows += 1;
        if self.batch_rows >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
            self.write()?;
        }
        Ok(true)
    }

    fn write(&mut self) -> Result<(), ParquetError> {
        self.batch_rows = 0;
        self.batch_bytes = 0;
        let batch = match &mut self.columns {
            BatchColumns::Sends(columns) => columns.finish()?,
            BatchColumns::Events(columns) => columns.finish()?,
        };
        self.writer.write(batch)
    }

    /// Bytes of the file so far. The next batch is counted uncompressed, so that the result is
    /// too large rather than too small.
    pub(crate) fn size(&self) -> u64 {
        let next = u64::try_from(self.batch_bytes).unwrap_or(u64::MAX);
        self.writer.size().saturating_add(next)
    }

    /// Writes the last batch, and requests the footer and the sync of the file.
    pub(crate) fn end(mut self, identity: &Identity) -> Result<ClosingFile, ParquetError> {
        self.write()?;
        self.writer.end(vec![
            pair("mockfleet.first_log_seq", self.first),
            pair("mockfleet.last_log_seq", self.last),
        ])?;
        let file = FinishedFile {
            part: self.part,
            key: LogKey::new(self.table, self.hour, identity, self.first, self.last),
            rows: self.rows,
        };
        Ok(ClosingFile {
            writer: self.writer,
            file,
        })
    }
}

impl ClosingFile {
    /// Bytes of the file so far.
    pub(crate) fn size(&self) -> u64 {
        self.writer.size()
    }

    /// Waits until the file is complete and on the disk.
    pub(crate) fn finish(self) -> Result<FinishedFile, ParquetError> {
        self.writer.finish()?;
        Ok(self.file)
    }
}

/// Returns the hour of a time in microseconds since 1970.
pub(crate) fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(3_600_000_000)
}
