//! Records become Parquet files: each message is joined with its outcome, rows are
//! numbered, and sorted by table and hour. A generation counts as encoded once its
//! manifest is on the disk; when one ends in a run is the business of `live`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use rustc_hash::FxHashMap;

use super::columns::Words;
use super::delivery::Manifest;
use super::frame::{self, Records};
use super::part::{Ending, Part, hour_of};
use super::patience::until_it_works;
use super::progress::Shared;
use super::row::{EventRow, Key, MessageRow, Outcome, OutcomeRow, Record, message_key};
use super::schema::{self, Table};
use super::spool::{self, Kind};

/// Files that are written at the same time. Rows of a run whose clock is the machine's
/// are of one hour, or of two; those of one whose clock is fast are of many, and each
/// file that is written has a thread and a row group in memory.
const OPEN: usize = 8;

pub(super) struct Encoder {
    words: Words,
    options: ArrowWriterOptions,
    pub(super) folder: Arc<Path>,
    pub(super) shared: Arc<Shared>,
    parts: Vec<Part>,
    /// Files of this generation of which nothing more comes.
    ended: Vec<Ending>,
    /// Messages of earlier segments without an outcome: their records.
    open: FxHashMap<Key, Box<[u8]>>,
    /// Messages of the segment at hand without one: where their records are in it. Empty
    /// between segments, and kept for its room.
    here: FxHashMap<Key, Range<usize>>,
    /// Rows numbered so far.
    sends: i64,
    events: i64,
    /// … of them, counted as encoded.
    counted: (i64, i64),
    files: u64,
    pub(super) generation: u64,
    /// Records that could not become rows.
    pub(super) stray: u64,
}

impl Encoder {
    pub(super) fn new(words: Words, folder: Arc<Path>, shared: Arc<Shared>) -> Self {
        Self {
            options: schema::options(&words.identity, &words.directory.fleet),
            words,
            folder,
            shared,
            parts: Vec::new(),
            ended: Vec::new(),
            open: FxHashMap::default(),
            here: FxHashMap::default(),
            sends: 0,
            events: 0,
            counted: (0, 0),
            files: 0,
            generation: 0,
            stray: 0,
        }
    }

    /// Messages without an outcome.
    pub(super) fn open(&self) -> u64 {
        u64::try_from(self.open.len()).unwrap_or(u64::MAX)
    }

    /// Takes the records of a segment that was on a disk. Returns how many bytes of it
    /// are none.
    pub(super) fn take(&mut self, segment: &[u8]) -> Result<usize, ParquetError> {
        self.read(segment, Records::of(segment))
    }

    /// The same with one that never left the memory.
    pub(super) fn take_over(&mut self, segment: &[u8]) -> Result<usize, ParquetError> {
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
        // Most outcomes follow within the segment: only the others are copied.
        for (key, place) in self.here.drain() {
            if let Some(bytes) = segment.get(place) {
                self.open.insert(key, bytes.into());
            }
        }
        let (sends, events) = self.counted;
        self.counted = (self.sends, self.events);
        let count = |now: i64, before: i64| u64::try_from(now - before).unwrap_or(0);
        self.shared
            .encoded(count(self.sends, sends), count(self.events, events));
        Ok(records.unread())
    }

    fn append(&mut self, bytes: &[u8], segment: &[u8]) -> Result<(), ParquetError> {
        match Record::read(bytes) {
            Some(Record::Outcome(end)) => {
                let key = (end.device, end.seq, end.copy);
                let place = self.here.remove(&key);
                if let Some(message) = place.and_then(|place| segment.get(place)) {
                    return self.send(message, &end);
                }
                match self.open.remove(&key) {
                    Some(message) => self.send(&message, &end),
                    None => {
                        self.stray += 1;
                        Ok(())
                    }
                }
            }
            Some(Record::Event(row)) => self.event(&row),
            Some(Record::Written(row)) => {
                let end = ended(&row, Outcome::Written, None);
                self.row(&row, &end)
            }
            Some(Record::Numbered { sends, events }) => {
                (self.sends, self.events) = (sends, events);
                self.counted = (sends, events);
                Ok(())
            }
            Some(Record::Message(_)) | None => {
                self.stray += 1;
                Ok(())
            }
        }
    }

    fn send(&mut self, message: &[u8], end: &OutcomeRow<'_>) -> Result<(), ParquetError> {
        let Some(Record::Message(row)) = Record::read(message) else {
            self.stray += 1;
            return Ok(());
        };
        self.row(&row, end)
    }

    /// A message and its outcome become a row.
    fn row(&mut self, row: &MessageRow<'_>, end: &OutcomeRow<'_>) -> Result<(), ParquetError> {
        let log_seq = self.sends;
        let place = self.part(Table::Sends, row.scheduled_at, log_seq)?;
        let taken = match self.parts.get_mut(place) {
            Some(part) => part.send(&self.words, row, end, log_seq)?,
            None => false,
        };
        self.sends += i64::from(taken);
        self.stray += u64::from(!taken);
        Ok(())
    }

    fn event(&mut self, row: &EventRow<'_>) -> Result<(), ParquetError> {
        let log_seq = self.events;
        let place = self.part(Table::Events, row.at, log_seq)?;
        let taken = match self.parts.get_mut(place) {
            Some(part) => part.event(&self.words, row, log_seq)?,
            None => false,
        };
        self.events += i64::from(taken);
        self.stray += u64::from(!taken);
        Ok(())
    }

    /// The file of a table and a moment, made when there is none.
    fn part(&mut self, table: Table, at: i64, log_seq: i64) -> Result<usize, ParquetError> {
        let hour = hour_of(at);
        let place = self
            .parts
            .iter()
            .position(|part| part.table == table && part.hour == hour);
        if let Some(place) = place {
            if let Some(part) = self.parts.get_mut(place) {
                part.used = self.sends + self.events;
            }
            return Ok(place);
        }
        if self.parts.len() >= OPEN {
            self.end_oldest()?;
        }
        self.files += 1;
        let name = format!(
            "{}-{:06}-{}.part",
            table.name(),
            self.generation,
            self.files
        );
        let part = Part::open(
            table,
            hour,
            log_seq,
            self.folder.join(name),
            self.options.clone(),
            &self.shared,
        )?;
        self.parts.push(part);
        Ok(self.parts.len() - 1)
    }

    /// Ends the file that was not written to for longest. Where rows of its hour come
    /// after all, they get another one.
    fn end_oldest(&mut self) -> Result<(), ParquetError> {
        let parts = self.parts.iter().enumerate();
        let oldest = parts.min_by_key(|(_, part)| part.used);
        if let Some((place, _)) = oldest {
            let part = self.parts.swap_remove(place);
            self.ended.push(part.end(&self.words.identity)?);
        }
        Ok(())
    }

    /// Messages whose outcome nobody will tell become rows too.
    pub(super) fn abandon(&mut self, why: &str) -> Result<(), ParquetError> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        open.sort_unstable_by_key(|(key, _)| *key);
        for (_, message) in open {
            let Some(Record::Message(row)) = Record::read(&message) else {
                self.stray += 1;
                continue;
            };
            let end = ended(&row, Outcome::Unconfirmed, Some(why));
            self.row(&row, &end)?;
        }
        self.take(&[]).map(drop)
    }

    /// How many files of the generation are ended already.
    pub(super) fn ended(&self) -> usize {
        self.ended.len()
    }

    /// Whether there is anything to end a generation for.
    pub(super) fn has_rows(&self) -> bool {
        !self.parts.is_empty() || !self.ended.is_empty()
    }

    /// Bytes of the largest file, or of all that are ended.
    pub(super) fn size(&self) -> u64 {
        let largest = self.parts.iter().map(Part::size).max().unwrap_or(0);
        largest.max(self.ended.iter().map(Ending::size).sum())
    }

    /// Ends the generation: its files are whole, what is still open is carried over,
    /// and only when the manifest says so are its segments freed.
    pub(super) fn commit(&mut self) -> Result<Manifest, ParquetError> {
        // All of them at the same time, and then waits for each.
        for part in std::mem::take(&mut self.parts) {
            self.ended.push(part.end(&self.words.identity)?);
        }
        let mut files = Vec::new();
        for ending in std::mem::take(&mut self.ended) {
            files.push(ending.finish()?);
        }
        let manifest = Manifest {
            generation: self.generation,
            files,
        };
        let carried = self.carried();
        let what = format!("the spool {} cannot be written", self.folder.display());
        until_it_works(&self.shared, &what, || {
            spool::put(&self.folder, &spool::carry(self.generation + 1), &carried)?;
            manifest.write(&self.folder)?;
            free(&self.folder, self.generation)
        })?;
        self.generation += 1;
        Ok(manifest)
    }

    /// What the next generation begins with.
    fn carried(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let numbered = Record::Numbered {
            sends: self.sends,
            events: self.events,
        };
        frame::write(&numbered, &mut bytes);
        for record in self.open.values().filter_map(|bytes| Record::read(bytes)) {
            frame::write(&record, &mut bytes);
        }
        bytes
    }
}

/// The end of a message that was never tried.
fn ended<'a>(row: &MessageRow<'_>, outcome: Outcome, error: Option<&'a str>) -> OutcomeRow<'a> {
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

/// Removes the records of generations that are encoded, for good.
pub(super) fn free(folder: &Path, generation: u64) -> std::io::Result<()> {
    for (of, kind, path) in spool::files(folder)? {
        if of <= generation && matches!(kind, Kind::Segment | Kind::Carry) {
            std::fs::remove_file(path)?;
        }
    }
    spool::sync_folder(folder)
}
