//! Runs the encoder and decides when a generation ends.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use parquet::errors::ParquetError;

use crate::error::log_error::LogError;
use crate::spool::files::free_segments;
use crate::spool::manifest::Manifest;
use crate::write::appender::EncoderMessage;
use crate::write::encoder::Encoder;

/// Interval at which the age of a generation is checked.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// Interval at which the size of the spool is measured.
const MEASURE_EVERY: Duration = Duration::from_millis(250);

/// Number of ended files of a generation at which the next generation begins.
const MAX_CLOSING_FILES: usize = 64;

/// Generation of a worker that writes nothing any more: it is ahead of every other generation.
const FINISHED_WORKER: u64 = u64::MAX;

/// The encoder of a run that is under way, with its workers and its roll policy.
pub(crate) struct EncoderThread {
    encoder: Encoder,
    roll_size: u64,
    roll_every: Duration,
    /// Each worker's generation.
    workers: BTreeMap<u32, u64>,
    /// Records of the next generation, kept until this generation has ended.
    next_records: Vec<Vec<u8>>,
    /// Time at which the first row of this generation arrived.
    started_at: Option<Instant>,
    is_requested: bool,
    measured_at: Instant,
    /// The limit of the fleet file, in bytes.
    spool_limit: u64,
    manifests: Sender<Manifest>,
}

impl EncoderThread {
    pub(crate) fn new(
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
            next_records: Vec::new(),
            started_at: None,
            is_requested: false,
            measured_at: Instant::now(),
            spool_limit,
            manifests,
        }
    }

    /// Works until all appenders are closed and all files are finished.
    pub(crate) fn run(mut self, messages: &Receiver<EncoderMessage>) -> Result<(), LogError> {
        let worked = self.process(messages);
        worked.map_err(|source| LogError::NotEncoded {
            spool: self.encoder.folder.path().to_owned(),
            source,
        })
    }

    fn process(&mut self, messages: &Receiver<EncoderMessage>) -> Result<(), ParquetError> {
        loop {
            match messages.recv_timeout(CHECK_EVERY) {
                Ok(messages) => self.handle(messages)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.measure_spool();
            self.roll()?;
        }
        for bytes in std::mem::take(&mut self.next_records) {
            self.encode(&bytes)?;
        }
        self.encoder
            .abandon("its worker ended before the outcome was known")?;
        // Segments of a generation that had only begun are freed together with this one.
        self.encoder.generation = self.encoder.shared.generation();
        if self.encoder.has_rows() {
            self.commit()?;
        }
        // Every record is now a row of a file that a manifest names.
        Ok(free_segments(&self.encoder.folder, u64::MAX)?)
    }

    /// Measures the bytes in the spool, at most once per [`MEASURE_EVERY`].
    fn measure_spool(&mut self) {
        if self.measured_at.elapsed() < MEASURE_EVERY {
            return;
        }
        self.measured_at = Instant::now();
        let folder = &self.encoder.folder;
        let bytes = folder
            .entries()
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.size)
            .sum();
        let shared = &self.encoder.shared;
        // Rows need about the same space again as files. On a small disk, the spool therefore
        // uses at most half.
        let limit = match folder.free_space() {
            Ok(free) => self.spool_limit.min(free.saturating_add(bytes) / 2).max(1),
            Err(_) => self.spool_limit,
        };
        shared.limit_spool(limit);
        match shared.set_spooled(bytes) {
            Some(true) => shared.set_warning(format!(
                "the spool {} is over its limit (spool-limit, or half of the disk's room)",
                folder.path().display()
            )),
            Some(false) => shared.clear_warning(),
            None => {}
        }
    }

    fn handle(&mut self, messages: EncoderMessage) -> Result<(), ParquetError> {
        match messages {
            EncoderMessage::Opened { worker } => {
                self.workers.insert(worker, self.encoder.generation);
            }
            EncoderMessage::Switched { worker, generation } => {
                self.workers.insert(worker, generation);
            }
            EncoderMessage::FinishedFile { worker } => {
                self.workers.insert(worker, FINISHED_WORKER);
            }
            EncoderMessage::Records { generation, bytes }
                if generation > self.encoder.generation =>
            {
                self.next_records.push(bytes);
            }
            EncoderMessage::Records { bytes, .. } => self.encode(&bytes)?,
        }
        Ok(())
    }

    fn encode(&mut self, bytes: &[u8]) -> Result<(), ParquetError> {
        self.started_at.get_or_insert_with(Instant::now);
        let unread = self.encoder.take_over(bytes)?;
        self.encoder.shared.remove_queued(bytes.len());
        if unread > 0 {
            return Err(ParquetError::General(
                "records in memory are damaged".into(),
            ));
        }
        Ok(())
    }

    /// Requests a new generation when the current one is old or large. Ends the current one
    /// when all workers have switched.
    fn roll(&mut self) -> Result<(), ParquetError> {
        let next = self.encoder.generation + 1;
        if !self.is_requested {
            let old = self
                .started_at
                .is_some_and(|started_at| started_at.elapsed() >= self.roll_every);
            let large = self.encoder.size() >= self.roll_size;
            let many = self.encoder.ended_files() >= MAX_CLOSING_FILES;
            let full = self.encoder.shared.is_half_full();
            if self.encoder.has_rows() && (old || large || many || full) {
                self.encoder.shared.begin_generation(next);
                self.is_requested = true;
            }
        }
        if self.is_requested && self.workers.values().all(|worker| *worker >= next) {
            self.is_requested = false;
            self.started_at = None;
            self.commit()?;
            for bytes in std::mem::take(&mut self.next_records) {
                self.encode(&bytes)?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ParquetError> {
        let manifest = self.encoder.commit()?;
        self.encoder.shared.add_pending(manifest.files.len());
        // The uploader outlives the encoder. If it has given up, closing the log reports the
        // error.
        let _ = self.manifests.send(manifest);
        Ok(())
    }
}
