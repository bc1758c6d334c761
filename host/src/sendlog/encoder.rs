//! The thread that turns records into Parquet files: joins each message with its
//! outcome, numbers the rows, sorts them by table and hour, and ends a generation by
//! size and age. A generation counts as encoded once its manifest is on the disk.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use rustc_hash::FxHashMap;

use super::LogError;
use super::appender::Handed;
use super::columns::Words;
use super::delivery::Manifest;
use super::frame::{self, Records};
use super::part::{Ending, Part, hour_of};
use super::patience::until_it_works;
use super::progress::Shared;
use super::row::{EventRow, Key, MessageRow, Outcome, OutcomeRow, Record, message_key};
use super::schema::{self, Table};
use super::spool::{self, Kind};

/// How often the age of a generation is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How often the spool is weighed.
const WEIGH: Duration = Duration::from_millis(250);

/// Files that are written at the same time. Rows of a run whose clock is the machine's
/// are of one hour, or of two; those of one whose clock is fast are of many, and each
/// file that is written has a thread and a row group in memory.
const OPEN: usize = 8;

/// Files of a generation that are ended already: more of them are time for the next one.
const ENDED: usize = 64;

/// A worker that writes nothing any more is ahead of every generation.
const DONE: u64 = u64::MAX;

pub(super) struct Encoder {
    words: Words,
    options: ArrowWriterOptions,
    folder: Arc<Path>,
    shared: Arc<Shared>,
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
    fn take_over(&mut self, segment: &[u8]) -> Result<usize, ParquetError> {
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

    /// Whether there is anything to end a generation for.
    fn has_rows(&self) -> bool {
        !self.parts.is_empty() || !self.ended.is_empty()
    }

    /// Bytes of the largest file, or of all that are ended.
    fn size(&self) -> u64 {
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

/// The encoder of a run under way: who writes, and when a generation ends.
pub(super) struct Live {
    encoder: Encoder,
    roll_size: u64,
    roll_every: Duration,
    /// Each worker's generation.
    workers: BTreeMap<u32, u64>,
    /// Records of the next generation, while this one is not ended.
    ahead: Vec<Vec<u8>>,
    /// When the first row of this generation came.
    began: Option<Instant>,
    asked: bool,
    weighed: Instant,
    /// As the fleet file has it.
    spool_limit: u64,
    manifests: Sender<Manifest>,
}

impl Live {
    pub(super) fn new(
        encoder: Encoder,
        roll_size: u64,
        roll_every: Duration,
        spool_limit: u64,
        manifests: Sender<Manifest>,
    ) -> Self {
        Self {
            encoder,
            roll_size,
            roll_every,
            workers: BTreeMap::new(),
            ahead: Vec::new(),
            began: None,
            asked: false,
            weighed: Instant::now(),
            spool_limit,
            manifests,
        }
    }

    /// Works until all appenders are gone and all files are finished.
    pub(super) fn run(mut self, handed: &Receiver<Handed>) -> Result<(), LogError> {
        let worked = self.work(handed);
        worked.map_err(|error| LogError::NotWhole {
            why: format!(
                "rows have not become Parquet: {error}; they lie in {}, and `mockfleet logs recover` finishes them",
                self.encoder.folder.display()
            ),
        })
    }

    fn work(&mut self, handed: &Receiver<Handed>) -> Result<(), ParquetError> {
        loop {
            match handed.recv_timeout(LOOK) {
                Ok(handed) => self.take(handed)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.weigh();
            self.roll()?;
        }
        for bytes in std::mem::take(&mut self.ahead) {
            self.encode(&bytes)?;
        }
        self.encoder
            .abandon("its worker ended before the outcome was known")?;
        // Segments of a generation that had only begun go with it.
        self.encoder.generation = self.encoder.shared.generation();
        if self.encoder.has_rows() {
            self.commit()?;
        }
        // Every record has become a row of a file that a manifest names.
        Ok(free(&self.encoder.folder, u64::MAX)?)
    }

    /// Looks how much is in the spool, now and then.
    fn weigh(&mut self) {
        if self.weighed.elapsed() < WEIGH {
            return;
        }
        self.weighed = Instant::now();
        let folder = &self.encoder.folder;
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let bytes: u64 = entries
            .filter_map(|entry| Some(entry.metadata().ok()?.len()))
            .sum();
        let shared = &self.encoder.shared;
        // Rows need about as much room again to become files: of a small disk, the
        // spool takes no more than half.
        let limit = match rustix::fs::statvfs(&**folder) {
            Ok(disk) => {
                let free = disk.f_bavail.saturating_mul(disk.f_frsize);
                self.spool_limit.min(bytes.saturating_add(free) / 2).max(1)
            }
            Err(_) => self.spool_limit,
        };
        shared.limit_spool(limit);
        match shared.spooled(bytes) {
            Some(true) => shared.note(format!(
                "the spool {} is over its limit (spool-limit, or half of the disk's room)",
                folder.display()
            )),
            Some(false) => shared.well(),
            None => {}
        }
    }

    fn take(&mut self, handed: Handed) -> Result<(), ParquetError> {
        match handed {
            Handed::Opened { worker } => {
                self.workers.insert(worker, self.encoder.generation);
            }
            Handed::Switched { worker, generation } => {
                self.workers.insert(worker, generation);
            }
            Handed::Finished { worker } => {
                self.workers.insert(worker, DONE);
            }
            Handed::Records { generation, bytes } if generation > self.encoder.generation => {
                self.ahead.push(bytes);
            }
            Handed::Records { bytes, .. } => self.encode(&bytes)?,
        }
        Ok(())
    }

    fn encode(&mut self, bytes: &[u8]) -> Result<(), ParquetError> {
        self.began.get_or_insert_with(Instant::now);
        let unread = self.encoder.take_over(bytes)?;
        self.encoder.shared.taken(bytes.len());
        if unread > 0 {
            return Err(ParquetError::General(
                "records in memory are damaged".into(),
            ));
        }
        Ok(())
    }

    /// Asks for a new generation when this one is old or large, and ends it when all
    /// workers have gone on.
    fn roll(&mut self) -> Result<(), ParquetError> {
        let next = self.encoder.generation + 1;
        if !self.asked {
            let old = self
                .began
                .is_some_and(|began| began.elapsed() >= self.roll_every);
            let large = self.encoder.size() >= self.roll_size;
            let many = self.encoder.ended.len() >= ENDED;
            let full = self.encoder.shared.is_half_full();
            if self.encoder.has_rows() && (old || large || many || full) {
                self.encoder.shared.begin_generation(next);
                self.asked = true;
            }
        }
        if self.asked && self.workers.values().all(|worker| *worker >= next) {
            self.asked = false;
            self.began = None;
            self.commit()?;
            for bytes in std::mem::take(&mut self.ahead) {
                self.encode(&bytes)?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ParquetError> {
        let manifest = self.encoder.commit()?;
        self.encoder.shared.pending(manifest.files.len());
        // The delivery outlives the encoder; when it has given up, it says so.
        let _ = self.manifests.send(manifest);
        Ok(())
    }
}
