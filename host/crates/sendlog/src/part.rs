//! One Parquet file while it grows: the rows of one table that belong to one hour.

use std::path::PathBuf;
use std::sync::Arc;

use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use super::Identity;
use super::columns::{EventColumns, SendColumns, Words};
use super::pen::Pen;
use super::progress::Shared;
use super::row::{EventRow, MessageRow, OutcomeRow};
use super::schema::{Table, pair};

/// Rows that are encoded together: enough for the encoders to be fast, few enough to
/// stay in the cache.
const BATCH_ROWS: u32 = 4096;
/// … and their bytes, for large payloads.
const BATCH_BYTES: usize = 4 << 20;

#[derive(Debug)]
enum Columns {
    Sends(Box<SendColumns>),
    Events(Box<EventColumns>),
}

/// A file while it grows.
pub(super) struct Part {
    pub(super) table: Table,
    /// Hours since 1970.
    pub(super) hour: i64,
    columns: Columns,
    batch_rows: u32,
    batch_bytes: usize,
    pen: Pen,
    path: PathBuf,
    first: i64,
    last: i64,
    /// How many rows there were of all files when this one was last looked for.
    pub(super) used: i64,
}

/// A file of which nothing more comes, while the rest of it is written.
pub(super) struct Ending {
    pen: Pen,
    file: Finished,
}

/// A file that is whole and on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finished {
    /// Its name in the spool.
    pub(super) part: String,
    /// Where it belongs, from the store's root, with slashes.
    pub(super) key: String,
}

impl Part {
    pub(super) fn open(
        table: Table,
        hour: i64,
        first: i64,
        path: PathBuf,
        options: ArrowWriterOptions,
        shared: &Arc<Shared>,
    ) -> Result<Self, ParquetError> {
        let columns = match table {
            Table::Sends => Columns::Sends(Box::new(SendColumns::new())),
            Table::Events => Columns::Events(Box::new(EventColumns::new())),
        };
        Ok(Self {
            table,
            hour,
            columns,
            batch_rows: 0,
            batch_bytes: 0,
            pen: Pen::open(path.clone(), table.schema(), options, shared)?,
            path,
            first,
            last: first,
            used: 0,
        })
    }

    /// Appends a row to a file of `sends`. False when it names what the run does not
    /// have.
    pub(super) fn send(
        &mut self,
        words: &Words,
        row: &MessageRow<'_>,
        end: &OutcomeRow<'_>,
        log_seq: i64,
    ) -> Result<bool, ParquetError> {
        let Columns::Sends(columns) = &mut self.columns else {
            return Ok(false);
        };
        if !columns.append(words, row, end, log_seq) {
            return Ok(false);
        }
        self.batch_bytes += row.payload.len();
        self.appended(log_seq)
    }

    /// Appends a row to a file of `events`.
    pub(super) fn event(
        &mut self,
        words: &Words,
        row: &EventRow<'_>,
        log_seq: i64,
    ) -> Result<bool, ParquetError> {
        let Columns::Events(columns) = &mut self.columns else {
            return Ok(false);
        };
        if !columns.append(words, row, log_seq) {
            return Ok(false);
        }
        self.appended(log_seq)
    }

    fn appended(&mut self, log_seq: i64) -> Result<bool, ParquetError> {
        self.last = log_seq;
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
            Columns::Sends(columns) => columns.finish()?,
            Columns::Events(columns) => columns.finish()?,
        };
        self.pen.write(batch)
    }

    /// Bytes of the file so far. What the next batch holds counts as it is:
    /// compressed, it would be less.
    pub(super) fn size(&self) -> u64 {
        let next = u64::try_from(self.batch_bytes).unwrap_or(u64::MAX);
        self.pen.size().saturating_add(next)
    }

    /// Lets the rest and the footer be written, and the file be made durable.
    pub(super) fn end(mut self, identity: &Identity) -> Result<Ending, ParquetError> {
        self.write()?;
        self.pen.end(vec![
            pair("mockfleet.first_log_seq", self.first),
            pair("mockfleet.last_log_seq", self.last),
        ])?;
        let (date, hour) = date_and_hour(self.hour);
        let key = format!(
            "{}/dt={date}/hour={hour:02}/{}-{}-{}-{}.parquet",
            self.table.name(),
            identity.host,
            identity.run,
            self.first,
            self.last
        );
        let part = self.path.file_name().unwrap_or_default();
        let file = Finished {
            part: part.to_string_lossy().into_owned(),
            key,
        };
        Ok(Ending {
            pen: self.pen,
            file,
        })
    }
}

impl Ending {
    /// Bytes of the file so far.
    pub(super) fn size(&self) -> u64 {
        self.pen.size()
    }

    /// Waits until the file is whole and on the disk.
    pub(super) fn finish(self) -> Result<Finished, ParquetError> {
        self.pen.finish()?;
        Ok(self.file)
    }
}

/// The hour of a moment in microseconds since 1970.
pub(super) fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(3_600_000_000)
}

fn date_and_hour(hours: i64) -> (jiff::civil::Date, i8) {
    let at = jiff::Timestamp::from_second(hours.saturating_mul(3600)).unwrap_or_default();
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    (at.date(), at.hour())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_have_their_date() {
        // 2026-11-24T07:59:59.999999Z
        let (date, hour) = date_and_hour(hour_of(1_795_507_199_999_999));
        assert_eq!((date.to_string().as_str(), hour), ("2026-11-24", 7));
        assert_eq!(date_and_hour(hour_of(-1)).0.to_string(), "1969-12-31");
    }
}
