//! Joins messages with outcomes and writes them to partition files.
//!
//! Rows are numbered and sorted by table and hour. A generation is encoded once its manifest is
//! on the disk.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use mockfleet_files::dir_handle::DirHandle;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use rustc_hash::FxHashMap;

use crate::format::frame;
use crate::format::frame::Records;
use crate::format::record::EventRow;
use crate::format::record::MessageRow;
use crate::format::record::Outcome;
use crate::format::record::OutcomeRow;
use crate::format::record::Record;
use crate::format::record::{MessageKey, message_key};
use crate::format::schema;
use crate::format::schema::LogTable;
use crate::spool::files::PartName;
use crate::spool::files::carry_name;
use crate::spool::files::free_segments;
use crate::spool::manifest::{FinishedFile, Manifest};
use crate::write::columns::LabelResolver;
use crate::write::partition_file::ClosingFile;
use crate::write::partition_file::OpenFile;
use crate::write::partition_file::hour_of;
use crate::write::progress::SharedProgress;
use crate::write::retry::retry_until_ok;

/// Number of files that are written at the same time. Each has a thread and a row group in
/// memory. With the machine's clock, rows of a run belong to one or two hours. With a fast
/// clock they belong to many.
const MAX_OPEN_FILES: usize = 8;

pub(crate) struct Encoder {
    labels: LabelResolver,
    options: ArrowWriterOptions,
    pub(crate) folder: Arc<DirHandle>,
    pub(crate) shared: Arc<SharedProgress>,
    open_files: Vec<OpenFile>,
    /// Files of this generation that receive no more rows, while a thread completes each.
    closing: VecDeque<ClosingFile>,
    /// Files of this generation that are complete.
    finished: Vec<FinishedFile>,
    finished_bytes: u64,
    /// Records of messages from earlier segments that have no outcome yet.
    open: FxHashMap<MessageKey, Box<[u8]>>,
    /// Messages of the current segment without an outcome, with the range of each record in
    /// the segment. Empty between segments, and kept to reuse its memory.
    here: FxHashMap<MessageKey, Range<usize>>,
    /// Number of rows numbered so far.
    sends: i64,
    events: i64,
    /// The part of these rows that is counted as encoded.
    counted: (i64, i64),
    files: u64,
    pub(crate) generation: u64,
    /// Number of records that cannot be converted to rows.
    pub(crate) unmatched: u64,
}

impl Encoder {
    pub(crate) fn new(
        labels: LabelResolver,
        folder: Arc<DirHandle>,
        shared: Arc<SharedProgress>,
    ) -> Self {
        Self {
            options: schema::options(&labels.identity, &labels.catalog.fleet),
            labels,
            folder,
            shared,
            open_files: Vec::new(),
            closing: VecDeque::new(),
            finished: Vec::new(),
            finished_bytes: 0,
            open: FxHashMap::default(),
            here: FxHashMap::default(),
            sends: 0,
            events: 0,
            counted: (0, 0),
            files: 0,
            generation: 0,
            unmatched: 0,
        }
    }

    /// Returns the number of messages without an outcome.
    pub(crate) fn open(&self) -> u64 {
        u64::try_from(self.open.len()).unwrap_or(u64::MAX)
    }

    /// Encodes the records of a segment that was on a disk. Returns the number of bytes that
    /// hold no record.
    pub(crate) fn take(&mut self, segment: &[u8]) -> Result<usize, ParquetError> {
        self.read(segment, Records::from_disk(segment))
    }

    /// Encodes the records of a segment that never left the memory, like [`Self::take`].
    pub(crate) fn take_over(&mut self, segment: &[u8]) -> Result<usize, ParquetError> {
        self.read(segment, Records::in_memory(segment))
    }

    fn read(&mut self, segment: &[u8], mut records: Records<'_>) -> Result<usize, ParquetError> {
        for (start, bytes) in records.by_ref() {
            match message_key(bytes) {
                Some(key) => {
                    self.here.insert(key, start..start + bytes.len());
                }
                None => self.append(bytes, segment)?,
            }
        }
        // Most outcomes follow within the segment, so that only the other messages are copied.
        for (key, place) in self.here.drain() {
            if let Some(bytes) = segment.get(place) {
                self.open.insert(key, bytes.into());
            }
        }
        let (sends, events) = self.counted;
        self.counted = (self.sends, self.events);
        let count = |now: i64, before: i64| u64::try_from(now - before).unwrap_or(0);
        self.shared
            .add_rows(count(self.sends, sends), count(self.events, events));
        Ok(records.unread())
    }

    fn append(&mut self, bytes: &[u8], segment: &[u8]) -> Result<(), ParquetError> {
        match Record::parse(bytes) {
            Some(Record::Outcome(end)) => {
                let key = (end.device, end.seq, end.copy);
                let place = self.here.remove(&key);
                if let Some(message) = place.and_then(|place| segment.get(place)) {
                    return self.send(message, &end);
                }
                match self.open.remove(&key) {
                    Some(message) => self.send(&message, &end),
                    None => {
                        self.unmatched += 1;
                        Ok(())
                    }
                }
            }
            Some(Record::Event(row)) => self.event(&row),
            Some(Record::Written(row)) => {
                let end = closing(&row, Outcome::Written, None);
                self.row(&row, &end)
            }
            Some(Record::Numbered { sends, events }) => {
                (self.sends, self.events) = (sends.max(0), events.max(0));
                self.counted = (self.sends, self.events);
                Ok(())
            }
            Some(Record::Message(_)) | None => {
                self.unmatched += 1;
                Ok(())
            }
        }
    }

    fn send(&mut self, message: &[u8], end: &OutcomeRow<'_>) -> Result<(), ParquetError> {
        let Some(Record::Message(row)) = Record::parse(message) else {
            self.unmatched += 1;
            return Ok(());
        };
        self.row(&row, end)
    }

    /// Joins a message and its outcome to a row.
    fn row(&mut self, row: &MessageRow<'_>, end: &OutcomeRow<'_>) -> Result<(), ParquetError> {
        let log_seq = self.sends;
        let place = self.file(LogTable::Sends, row.scheduled_at, log_seq)?;
        let taken = match self.open_files.get_mut(place) {
            Some(file) => file.send(&self.labels, row, end, log_seq)?,
            None => false,
        };
        self.sends = self.sends.saturating_add(i64::from(taken));
        self.unmatched += u64::from(!taken);
        Ok(())
    }

    fn event(&mut self, row: &EventRow<'_>) -> Result<(), ParquetError> {
        let log_seq = self.events;
        let place = self.file(LogTable::Events, row.at, log_seq)?;
        let taken = match self.open_files.get_mut(place) {
            Some(file) => file.event(&self.labels, row, log_seq)?,
            None => false,
        };
        self.events = self.events.saturating_add(i64::from(taken));
        self.unmatched += u64::from(!taken);
        Ok(())
    }

    /// Returns the place of the file for a table and a time. Creates the file if there is
    /// none.
    fn file(&mut self, table: LogTable, at: i64, log_seq: i64) -> Result<usize, ParquetError> {
        let hour = hour_of(at);
        let now = self.sends.saturating_add(self.events);
        let mut open_files = self.open_files.iter_mut().enumerate();
        let found = open_files.find(|(_, file)| file.table == table && file.hour == hour);
        if let Some((place, file)) = found {
            file.used = now;
            return Ok(place);
        }
        if self.open_files.len() >= MAX_OPEN_FILES {
            self.end_oldest()?;
        }
        self.files += 1;
        let mut file = OpenFile::open(
            table,
            hour,
            log_seq,
            &self.folder,
            PartName::new(table, self.generation, self.files),
            self.options.clone(),
            &self.shared,
        )?;
        file.used = now;
        self.open_files.push(file);
        Ok(self.open_files.len() - 1)
    }

    /// Ends the file that has not been written to for the longest time. Later rows of its hour
    /// go to another file.
    fn end_oldest(&mut self) -> Result<(), ParquetError> {
        let open_files = self.open_files.iter().enumerate();
        let oldest = open_files.min_by_key(|(_, file)| file.used);
        if let Some((place, _)) = oldest {
            let file = self.open_files.swap_remove(place);
            self.closing.push_back(file.end(&self.labels.identity)?);
        }
        while self.closing.len() > MAX_OPEN_FILES {
            self.finish_oldest()?;
        }
        Ok(())
    }

    /// Waits until the file that was ended first is complete.
    fn finish_oldest(&mut self) -> Result<(), ParquetError> {
        if let Some(closing) = self.closing.pop_front() {
            let bytes = closing.size();
            self.finished.push(closing.finish()?);
            self.finished_bytes += bytes;
        }
        Ok(())
    }

    /// Writes rows for messages whose outcome will never be known.
    pub(crate) fn abandon(&mut self, why: &str) -> Result<(), ParquetError> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(key, _)| *key);
        for (_, message) in open {
            let Some(Record::Message(row)) = Record::parse(&message) else {
                self.unmatched += 1;
                continue;
            };
            let end = closing(&row, Outcome::Unconfirmed, Some(why));
            self.row(&row, &end)?;
        }
        self.take(&[]).map(drop)
    }

    /// Number of files of the generation that are already ended.
    pub(crate) fn ended_files(&self) -> usize {
        self.closing.len() + self.finished.len()
    }

    /// Returns whether the generation has any file.
    pub(crate) fn has_rows(&self) -> bool {
        !self.open_files.is_empty() || self.ended_files() > 0
    }

    /// Bytes of the largest open file, or of all ended files if they have more.
    pub(crate) fn size(&self) -> u64 {
        let largest = self
            .open_files
            .iter()
            .map(OpenFile::size)
            .max()
            .unwrap_or(0);
        let closing: u64 = self.closing.iter().map(ClosingFile::size).sum();
        largest.max(self.finished_bytes + closing)
    }

    /// Ends the generation: finishes its files and carries open messages over to the next one.
    /// Segments are freed only after the manifest is written.
    pub(crate) fn commit(&mut self) -> Result<Manifest, ParquetError> {
        // Ends all files at the same time, and then waits for each.
        for file in std::mem::take(&mut self.open_files) {
            self.closing.push_back(file.end(&self.labels.identity)?);
        }
        while !self.closing.is_empty() {
            self.finish_oldest()?;
        }
        self.finished_bytes = 0;
        let manifest = Manifest {
            generation: self.generation,
            files: std::mem::take(&mut self.finished),
        };
        let carried = self.carried();
        let what = format!(
            "the spool {} cannot be written",
            self.folder.path().display()
        );
        retry_until_ok(&self.shared, &what, || {
            let next = carry_name(self.generation + 1);
            self.folder.write_atomically(&next, &carried)?;
            manifest.write(&self.folder)?;
            free_segments(&self.folder, self.generation)
        })?;
        self.generation += 1;
        Ok(manifest)
    }

    /// Returns the records that the next generation begins with.
    fn carried(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let numbered = Record::Numbered {
            sends: self.sends,
            events: self.events,
        };
        frame::write(&numbered, &mut bytes);
        for record in self.open.values().filter_map(|bytes| Record::parse(bytes)) {
            frame::write(&record, &mut bytes);
        }
        bytes
    }
}

/// Returns the outcome of a message that was never tried.
fn closing<'a>(row: &MessageRow<'_>, outcome: Outcome, error: Option<&'a str>) -> OutcomeRow<'a> {
    OutcomeRow {
        device: row.device,
        seq: row.seq,
        copy: row.copy,
        attempt: 0,
        outcome,
        code: None,
        error,
        sent_at: None,
        acked_at: None,
    }
}
