//! A worker's end of the log: rows go into its segment of the spool, and on to the
//! encoder. Never waits for an encoder, a store or a network.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::frame;
use super::progress::Shared;
use super::row::{EventKind, EventRow, MessageRow, OutcomeRow, Record};
use super::spool::{self, SegmentFile};
use mockfleet_config::SpoolFull;

/// Rows are handed on at this size: large enough that handing over costs nothing a
/// row, small enough that the encoder starts early.
const FULL: usize = 1 << 20;

/// … or at this age, so that a slow fleet's rows are encoded too, and their files are
/// not much older than asked.
const OLD: Duration = Duration::from_millis(200);

/// Where rows are dropped rather than waited for: so much may wait in memory for a
/// disk that takes nothing.
const HELD: usize = 64 << 20;

/// What a worker tells the encoder.
#[derive(Debug)]
pub(super) enum Handed {
    /// There is such a worker.
    Opened { worker: u32 },
    /// Records, in the order in which they were appended.
    Records { generation: u64, bytes: Vec<u8> },
    /// What comes from here on belongs to this generation.
    Switched { worker: u32, generation: u64 },
    /// Nothing comes any more.
    Finished { worker: u32 },
}

/// One worker's end of the log.
pub struct Appender {
    handed: Option<Sender<Handed>>,
    sync: Sender<Arc<File>>,
    shared: Arc<Shared>,
    folder: Arc<Path>,
    worker: u32,
    generation: u64,
    file: Option<SegmentFile>,
    /// Records that are not handed over; the first `safe` bytes are in the file.
    bytes: Vec<u8>,
    safe: usize,
    /// When the first of them came.
    began: Option<Instant>,
    /// The disk takes nothing.
    refused: bool,
    /// What happens when the disk takes no more; `None` where no log is written.
    policy: Option<SpoolFull>,
    /// Rows lost since there was room, and the first of them: its device and moment.
    lost: Option<(u64, u32, i64)>,
}

impl Appender {
    pub(super) fn new(
        worker: u32,
        folder: Arc<Path>,
        handed: Option<Sender<Handed>>,
        sync: Sender<Arc<File>>,
        shared: Arc<Shared>,
        policy: Option<SpoolFull>,
    ) -> Self {
        if let Some(handed) = &handed {
            // The encoder outlives all appenders; when it has panicked, closing the
            // log says so.
            let _ = handed.send(Handed::Opened { worker });
        }
        Self {
            generation: shared.generation(),
            handed,
            sync,
            shared,
            folder,
            worker,
            file: None,
            bytes: Vec::new(),
            safe: 0,
            began: None,
            refused: false,
            policy,
            lost: None,
        }
    }

    /// Appends a message, before anything of it is sent.
    pub fn message(&mut self, row: &MessageRow<'_>) {
        if self.takes(row) {
            frame::write(&Record::Message(row.clone()), &mut self.bytes);
        }
    }

    /// Appends a message that goes nowhere else, and so has its outcome already.
    pub fn written(&mut self, row: &MessageRow<'_>) {
        if self.takes(row) {
            frame::write(&Record::Written(row.clone()), &mut self.bytes);
        }
    }

    /// Whether a message is appended, or counted as lost.
    fn takes(&mut self, row: &MessageRow<'_>) -> bool {
        if self.policy.is_none() {
            return false;
        }
        if self.policy == Some(SpoolFull::Drop) && self.is_over() {
            self.shared.lost();
            let (rows, _, _) = self.lost.get_or_insert((0, row.device, row.scheduled_at));
            *rows += 1;
            return false;
        }
        true
    }

    /// Appends what became of a message that was appended before; that of a message
    /// whose row is lost is let go by the encoder.
    pub fn outcome(&mut self, row: &OutcomeRow<'_>) {
        if self.has_room() {
            frame::write(&Record::Outcome(row.clone()), &mut self.bytes);
        }
    }

    /// Appends a row to `events`.
    pub fn event(&mut self, row: &EventRow<'_>) {
        if self.has_room() {
            frame::write(&Record::Event(row.clone()), &mut self.bytes);
        }
    }

    /// Whoever drops rows rather than wait must not fill the memory instead.
    fn has_room(&self) -> bool {
        match self.policy {
            Some(SpoolFull::Pause) => true,
            Some(SpoolFull::Drop) => self.bytes.len() < HELD,
            None => false,
        }
    }

    /// Notes rows that were lost, once there is room for the note.
    fn note_lost(&mut self) {
        if let Some((rows, device, at)) = self.lost.take() {
            let detail = format!("{rows} rows from here on: the spool was over its limit");
            self.event(&EventRow {
                device,
                at,
                kind: EventKind::Lost,
                detail: Some(&detail),
            });
        }
    }

    /// Makes what was appended outlive the process, and hands on what has waited long
    /// enough. Called before anything that was appended is sent or counted.
    pub fn turn(&mut self, now: Instant) {
        if !self.is_over() {
            self.note_lost();
        }
        self.save();
        if self.is_safe() {
            let began = *self.began.get_or_insert(now);
            let old = now.saturating_duration_since(began) >= OLD;
            if self.bytes.len() >= FULL || old {
                self.hand_over();
            }
            self.switch();
        }
    }

    /// Whether everything that was appended outlives the process.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.safe == self.bytes.len()
    }

    /// Whether nothing may leave: what was appended would not outlive the process.
    #[must_use]
    pub fn must_wait(&self) -> bool {
        self.policy == Some(SpoolFull::Pause) && !self.is_safe()
    }

    /// Whether more rows wait for disk or encoder than should: time to make fewer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.policy == Some(SpoolFull::Pause) && self.is_over()
    }

    fn is_over(&self) -> bool {
        self.refused || self.shared.is_full()
    }

    /// Hands over the last rows.
    pub fn finish(&mut self) {
        self.note_lost();
        self.save();
        // Not on the disk, they can still become Parquet: the encoder is patient.
        self.hand_over();
        self.file = None;
        if let Some(handed) = self.handed.take() {
            let worker = self.worker;
            let _ = handed.send(Handed::Finished { worker });
        }
    }

    fn save(&mut self) {
        while let Some(rest) = self.bytes.get(self.safe..).filter(|rest| !rest.is_empty()) {
            let file = match &mut self.file {
                Some(file) => file,
                None => {
                    let name = spool::segment(self.worker, self.generation);
                    match SegmentFile::create(&self.folder.join(name), &self.sync) {
                        Ok(file) => self.file.insert(file),
                        Err(error) => return self.refuse(&error),
                    }
                }
            };
            match file.append(rest) {
                Ok(taken) if taken > 0 => self.safe += taken,
                Ok(_) => return self.refuse(&std::io::ErrorKind::WriteZero.into()),
                Err(error) => return self.refuse(&error),
            }
        }
        if std::mem::take(&mut self.refused) {
            self.shared.well();
        }
    }

    fn refuse(&mut self, error: &std::io::Error) {
        self.refused = true;
        self.shared.trouble(format!(
            "the spool {} takes no rows: {error}; devices wait until it does",
            self.folder.display()
        ));
    }

    fn hand_over(&mut self) {
        self.began = None;
        if self.bytes.is_empty() {
            return;
        }
        self.safe = 0;
        // The next ones will be about as many.
        let next = Vec::with_capacity(self.bytes.len());
        let bytes = std::mem::replace(&mut self.bytes, next);
        self.shared.waits(bytes.len());
        if let Some(handed) = &self.handed {
            let generation = self.generation;
            let _ = handed.send(Handed::Records { generation, bytes });
        }
    }

    /// Begins a new segment when the encoder has asked for it.
    fn switch(&mut self) {
        let generation = self.shared.generation();
        if generation == self.generation {
            return;
        }
        self.hand_over();
        self.file = None;
        self.generation = generation;
        if let Some(handed) = &self.handed {
            let worker = self.worker;
            let _ = handed.send(Handed::Switched { worker, generation });
        }
    }
}

impl Drop for Appender {
    /// Also when a worker ends in a panic.
    fn drop(&mut self) {
        self.finish();
    }
}
