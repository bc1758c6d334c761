//! A worker's end of the log: rows go into a segment, segments to the encoder. Never
//! waits for a disk or a network.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::progress::Shared;
use super::row::{EventRow, SendRow, Stored};

/// A segment is handed on at this size: large enough that handing over costs nothing
/// a row, small enough that the encoder starts early.
const FULL: usize = 1 << 20;

/// … or at this age, so that a slow fleet's rows reach the disk too.
const OLD: Duration = Duration::from_secs(1);

/// Rows on their way to the encoder.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) bytes: Vec<u8>,
}

/// One worker's end of the log.
pub struct Appender {
    segments: Option<Sender<Segment>>,
    shared: Arc<Shared>,
    segment: Segment,
    /// When the first row of the segment came.
    began: Option<Instant>,
}

impl Appender {
    pub(super) fn new(segments: Option<Sender<Segment>>, shared: Arc<Shared>) -> Self {
        Self {
            segments,
            shared,
            segment: Segment::default(),
            began: None,
        }
    }

    /// Appends a row to `sends`.
    pub fn send(&mut self, row: &SendRow<'_>) {
        self.append(&Stored::Send(row.clone()));
    }

    /// Appends a row to `events`.
    pub fn event(&mut self, row: &EventRow<'_>) {
        self.append(&Stored::Event(row.clone()));
    }

    fn append(&mut self, row: &Stored<'_>) {
        row.write(&mut self.segment.bytes);
        if self.segment.bytes.len() >= FULL {
            self.hand_over();
        }
    }

    /// Called now and then: hands over what has waited long enough.
    pub fn turn(&mut self, now: Instant) {
        if self.segment.bytes.is_empty() {
            return;
        }
        let began = *self.began.get_or_insert(now);
        if now.saturating_duration_since(began) >= OLD {
            self.hand_over();
        }
    }

    /// Whether more rows wait for the encoder than should: time to make fewer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.shared.is_full()
    }

    /// Hands over the last rows.
    pub fn finish(&mut self) {
        self.hand_over();
        self.segments = None;
    }

    fn hand_over(&mut self) {
        self.began = None;
        if self.segment.bytes.is_empty() {
            return;
        }
        // The next one will be as large; growing into it would copy it several times.
        let next = Vec::with_capacity(self.segment.bytes.capacity());
        let segment = Segment {
            bytes: std::mem::replace(&mut self.segment.bytes, next),
        };
        self.shared.waits(segment.bytes.len());
        if let Some(segments) = &self.segments {
            // The encoder outlives all appenders; when it has panicked, closing the
            // log says so.
            let _ = segments.send(segment);
        }
    }
}

impl Drop for Appender {
    /// Also when a worker ends in a panic.
    fn drop(&mut self) {
        self.hand_over();
    }
}
