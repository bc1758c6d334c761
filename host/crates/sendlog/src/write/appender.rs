//! Appends a worker's records to its segment, and sends them on.
//!
//! The appender never waits for an encoder, a store or a network.

use mockfleet_files::counted::noun_for;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use mockfleet_config::SpoolFull;
use mockfleet_files::dir_handle::DirHandle;

use crate::format::frame;
use crate::format::record::EventKind;
use crate::format::record::EventRow;
use crate::format::record::MessageRow;
use crate::format::record::OutcomeRow;
use crate::format::record::Record;
use crate::spool::files::segment_name;
use crate::spool::segment::SegmentFile;
use crate::write::progress::SharedProgress;

/// Size, in bytes, at which records are sent to the encoder. It is large enough that sending
/// costs almost nothing per row, and small enough that the encoder starts early.
const FLUSH_BYTES: usize = 1 << 20;

/// Age at which smaller batches are sent too. Without it, the rows of a slow fleet would wait,
/// and their files would be older than configured.
const MAX_AGE: Duration = Duration::from_millis(200);

/// Largest number of bytes in memory that wait for a full disk, where rows are dropped instead
/// of waited for.
const MAX_BUFFERED: usize = 64 << 20;

/// A message from a worker's appender to the encoder.
#[derive(Debug)]
pub(crate) enum EncoderMessage {
    /// A worker has opened its appender.
    Opened { worker: u32 },
    /// Records, in the order in which they were appended.
    Records { generation: u64, bytes: Vec<u8> },
    /// Later records of this worker belong to this generation.
    Switched { worker: u32, generation: u64 },
    /// The worker sends no more records.
    FinishedFile { worker: u32 },
}

/// One worker's write side of the log.
pub struct Appender {
    encoder: Option<Sender<EncoderMessage>>,
    sync: Sender<Arc<File>>,
    shared: Arc<SharedProgress>,
    /// The run's folder in the spool. `None` where no log is written.
    folder: Option<Arc<DirHandle>>,
    worker: u32,
    generation: u64,
    file: Option<SegmentFile>,
    /// Records that are not sent yet. The first `written` bytes are in the file.
    bytes: Vec<u8>,
    written: usize,
    /// Time at which the first of these records was appended.
    first_at: Option<Instant>,
    /// Whether the disk accepts no more bytes.
    refused: bool,
    /// Reaction to a full disk. `None` where no log is written.
    policy: Option<SpoolFull>,
    /// Number of rows lost since there was room, with the device and time of the first one.
    lost: Option<(u64, u32, i64)>,
}

impl Appender {
    pub(crate) fn new(
        worker: u32,
        folder: Option<Arc<DirHandle>>,
        encoder: Option<Sender<EncoderMessage>>,
        sync: Sender<Arc<File>>,
        shared: Arc<SharedProgress>,
        policy: Option<SpoolFull>,
    ) -> Self {
        if let Some(encoder) = &encoder {
            // The encoder outlives all appenders. If it has panicked, closing the log reports
            // the panic.
            let _ = encoder.send(EncoderMessage::Opened { worker });
        }
        Self {
            generation: shared.generation(),
            encoder,
            sync,
            shared,
            folder,
            worker,
            file: None,
            bytes: Vec::new(),
            written: 0,
            first_at: None,
            refused: false,
            policy,
            lost: None,
        }
    }

    /// Appends a message before any part of it is sent.
    #[inline]
    pub fn append_message(&mut self, row: &MessageRow<'_>) {
        if self.accept_or_count_lost(row) {
            frame::write(&Record::Message(row.clone()), &mut self.bytes);
        }
    }

    /// Appends a message that is only written to the log, and so has its outcome already.
    #[inline]
    pub fn append_written(&mut self, row: &MessageRow<'_>) {
        if self.accept_or_count_lost(row) {
            frame::write(&Record::Written(row.clone()), &mut self.bytes);
        }
    }

    /// Returns whether a message is appended. Otherwise it is counted as lost.
    #[inline]
    fn accept_or_count_lost(&mut self, row: &MessageRow<'_>) -> bool {
        if self.policy.is_none() {
            return false;
        }
        if self.policy == Some(SpoolFull::Drop) && self.is_over_limit() {
            self.shared.count_lost_row();
            let (rows, _, _) = self.lost.get_or_insert((0, row.device, row.scheduled_at));
            *rows += 1;
            return false;
        }
        true
    }

    /// Appends the outcome of a message that was appended before. The encoder discards the
    /// outcome of a message whose row is lost.
    #[inline]
    pub fn append_outcome(&mut self, row: &OutcomeRow<'_>) {
        if self.has_room() {
            frame::write(&Record::Outcome(row.clone()), &mut self.bytes);
        }
    }

    /// Appends a row to `events`.
    pub fn append_event(&mut self, row: &EventRow<'_>) {
        if self.has_room() {
            frame::write(&Record::Event(row.clone()), &mut self.bytes);
        }
    }

    /// Returns whether another record fits. Dropping rows must not fill the memory instead.
    #[inline]
    fn has_room(&self) -> bool {
        match self.policy {
            Some(SpoolFull::Pause) => true,
            Some(SpoolFull::Drop) => self.bytes.len() < MAX_BUFFERED,
            None => false,
        }
    }

    /// Appends an event about lost rows, once there is room for it.
    fn append_lost_event(&mut self) {
        if let Some((rows, device, at)) = self.lost.take() {
            let detail = format!(
                "{rows} {} from here on: the spool was over its limit",
                noun_for(rows, "row")
            );
            self.append_event(&EventRow {
                device,
                at,
                kind: EventKind::Lost,
                detail: Some(&detail),
            });
        }
    }

    /// Makes appended records outlive the process, and sends those that have waited long
    /// enough. Workers call this before they send or count any appended message.
    pub fn flush(&mut self, now: Instant) {
        if !self.is_over_limit() {
            self.append_lost_event();
        }
        self.write_segment();
        if self.is_written() {
            let first_at = *self.first_at.get_or_insert(now);
            let old = now.saturating_duration_since(first_at) >= MAX_AGE;
            if self.bytes.len() >= FLUSH_BYTES || old {
                self.send_to_encoder();
            }
            self.begin_next_generation();
        }
    }

    /// Returns whether all appended records outlive the process.
    #[must_use]
    #[inline]
    pub fn is_written(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// Returns whether messages must wait, because their records would not outlive the
    /// process.
    #[must_use]
    #[inline]
    pub fn must_wait(&self) -> bool {
        self.policy == Some(SpoolFull::Pause) && !self.is_written()
    }

    /// Returns whether more rows wait for the disk or the encoder than allowed. The worker
    /// then makes fewer.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.policy == Some(SpoolFull::Pause) && self.is_over_limit()
    }

    /// Returns the memory of records that the disk or the encoder has not taken yet: those of this
    /// worker, and those of all workers that wait for the encoder.
    #[must_use]
    pub fn waiting_bytes(&self) -> (usize, u64) {
        (self.bytes.len(), self.shared.waiting())
    }

    #[inline]
    fn is_over_limit(&self) -> bool {
        self.refused || self.shared.is_full()
    }

    /// Sends the last rows.
    pub fn finish(&mut self) {
        self.append_lost_event();
        self.write_segment();
        // Records that are not on the disk can still be encoded: the encoder waits for the
        // disk.
        self.send_to_encoder();
        self.file = None;
        if let Some(encoder) = self.encoder.take() {
            let worker = self.worker;
            let _ = encoder.send(EncoderMessage::FinishedFile { worker });
        }
    }

    fn write_segment(&mut self) {
        while let Some(rest) = self
            .bytes
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            let file = match &mut self.file {
                Some(file) => file,
                None => {
                    let Some(folder) = &self.folder else {
                        return;
                    };
                    let name = segment_name(self.worker, self.generation);
                    match SegmentFile::create(folder, &name, &self.sync) {
                        Ok(file) => self.file.insert(file),
                        Err(error) => return self.report_full_disk(&error),
                    }
                }
            };
            match file.append(rest) {
                Ok(taken) if taken > 0 => self.written += taken,
                Ok(_) => return self.report_full_disk(&std::io::ErrorKind::WriteZero.into()),
                Err(error) => return self.report_full_disk(&error),
            }
        }
        if std::mem::take(&mut self.refused) {
            self.shared.clear_warning();
        }
    }

    fn report_full_disk(&mut self, error: &std::io::Error) {
        self.refused = true;
        self.shared.report_failure(format!(
            "the spool {} takes no rows: {error}; devices wait until it does",
            self.folder
                .as_ref()
                .map_or(Path::new(""), |folder| folder.path())
                .display()
        ));
    }

    fn send_to_encoder(&mut self) {
        self.first_at = None;
        if self.bytes.is_empty() {
            return;
        }
        self.written = 0;
        // The next batch will be about as large.
        let next = Vec::with_capacity(self.bytes.len());
        let bytes = std::mem::replace(&mut self.bytes, next);
        self.shared.add_queued(bytes.len());
        if let Some(encoder) = &self.encoder {
            let generation = self.generation;
            let _ = encoder.send(EncoderMessage::Records { generation, bytes });
        }
    }

    /// Begins a new segment when the encoder has requested one.
    fn begin_next_generation(&mut self) {
        let generation = self.shared.generation();
        if generation == self.generation {
            return;
        }
        self.send_to_encoder();
        self.file = None;
        self.generation = generation;
        if let Some(encoder) = &self.encoder {
            let worker = self.worker;
            let _ = encoder.send(EncoderMessage::Switched { worker, generation });
        }
    }
}

impl Drop for Appender {
    /// Finishes the appender, also when a worker ends in a panic.
    fn drop(&mut self) {
        self.finish();
    }
}
