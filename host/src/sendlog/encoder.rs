//! The thread that turns segments into Parquet files: numbers the rows, sorts them by
//! table and hour, rolls files by size and age.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;

use super::appender::Segment;
use super::columns::Words;
use super::part::{Finished, Part, hour_of};
use super::progress::Shared;
use super::row::Stored;
use super::schema::{self, Table};
use super::{Directory, Identity, LogError};
use crate::fleet::Log;

/// How often the age of files is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(super) struct Encoder {
    words: Words,
    options: ArrowWriterOptions,
    spool: PathBuf,
    roll_size: u64,
    roll_every: Duration,
    parts: Vec<Part>,
    finished: Sender<Finished>,
    shared: Arc<Shared>,
    sends: i64,
    events: i64,
    files: u64,
}

impl Encoder {
    pub(super) fn new(
        log: &Log,
        identity: Identity,
        directory: Directory,
        spool: PathBuf,
        finished: Sender<Finished>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            options: schema::options(&identity),
            words: Words {
                identity,
                directory,
                payload: log.payload,
            },
            spool,
            roll_size: log.roll_size.bytes(),
            roll_every: log.roll_every,
            parts: Vec::new(),
            finished,
            shared,
            sends: 0,
            events: 0,
            files: 0,
        }
    }

    /// Works until all appenders are gone and all files are finished.
    pub(super) fn run(mut self, segments: &Receiver<Segment>) -> Result<(), LogError> {
        let worked = self.work(segments);
        worked.map_err(|error| LogError::NotWhole {
            why: format!(
                "rows are missing: {error}; what was finished before is in the store, the rest in {}",
                self.spool.display()
            ),
        })
    }

    fn work(&mut self, segments: &Receiver<Segment>) -> Result<(), ParquetError> {
        loop {
            match segments.recv_timeout(LOOK) {
                Ok(segment) => self.take(&segment)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let (size, age) = (self.roll_size, self.roll_every);
            self.finish(|part| part.is_ripe(size, age))?;
        }
        self.finish(|_| true)
    }

    fn take(&mut self, segment: &Segment) -> Result<(), ParquetError> {
        let (sends, events) = (self.sends, self.events);
        let mut rest = segment.bytes.as_slice();
        while !rest.is_empty() {
            let Some((row, after)) = Stored::read(rest) else {
                return Err(ParquetError::General("a segment cannot be read".into()));
            };
            self.append(&row)?;
            rest = after;
        }
        let count = |now: i64, before: i64| u64::try_from(now - before).unwrap_or(0);
        self.shared.encoded(
            segment.bytes.len(),
            count(self.sends, sends),
            count(self.events, events),
        );
        Ok(())
    }

    fn append(&mut self, row: &Stored<'_>) -> Result<(), ParquetError> {
        let (table, at, next) = match row {
            Stored::Send(row) => (Table::Sends, row.scheduled_at, &mut self.sends),
            Stored::Event(row) => (Table::Events, row.at, &mut self.events),
        };
        let log_seq = *next;
        *next += 1;
        let hour = hour_of(at);
        let place = self
            .parts
            .iter()
            .position(|part| part.table == table && part.hour == hour);
        let place = match place {
            Some(place) => place,
            None => {
                self.files += 1;
                let name = format!("{}-{}.part", table.name(), self.files);
                let path = self.spool.join(name);
                let options = self.options.clone();
                self.parts.push(Part::open(
                    table,
                    hour,
                    log_seq,
                    path,
                    options,
                    &self.shared,
                )?);
                self.parts.len() - 1
            }
        };
        let taken = match self.parts.get_mut(place) {
            Some(part) => part.append(&self.words, row, log_seq)?,
            None => false,
        };
        if taken {
            Ok(())
        } else {
            Err(ParquetError::General(
                "a row names a device or route that the run does not have".into(),
            ))
        }
    }

    /// Finishes the files that are ripe.
    fn finish(&mut self, is_ripe: impl Fn(&Part) -> bool) -> Result<(), ParquetError> {
        for part in self.parts.extract_if(.., |part| is_ripe(part)) {
            let finished = part.finish(&self.words.identity)?;
            self.shared.pending();
            // The delivery outlives the encoder; when it has given up, it says so.
            let _ = self.finished.send(finished);
        }
        Ok(())
    }
}
