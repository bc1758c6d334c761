//! Writes segments and syncs them to the disk.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mockfleet_files::dir_handle::DirHandle;
use rustix::fs::{FallocateFlags, fallocate};

/// Step, in bytes, in which space is reserved before use. A full disk fails the reservation,
/// at a time when no record is half-written.
const RESERVE_STEP: u64 = 1 << 20;

/// The file of a worker's segment.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: Arc<File>,
    written: u64,
    reserved: u64,
}

impl SegmentFile {
    /// Creates the file, and sends it to the thread behind `sync`, which syncs it from then
    /// on.
    pub(crate) fn create(
        folder: &DirHandle,
        name: &str,
        sync: &Sender<Arc<File>>,
    ) -> io::Result<Self> {
        let file = Arc::new(folder.create_file(name)?);
        // The syncing thread outlives all segments.
        let _ = sync.send(Arc::clone(&file));
        Ok(Self {
            file,
            written: 0,
            reserved: 0,
        })
    }

    /// Appends as many of these bytes as there is room for, and returns their number. From
    /// then on, these bytes outlive the process.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reserved <= self.written {
            match fallocate(
                &*self.file,
                FallocateFlags::KEEP_SIZE,
                self.written,
                RESERVE_STEP,
            ) {
                Ok(()) => self.reserved = self.written + RESERVE_STEP,
                // The file system has no reservations: the write itself reports a full disk.
                Err(rustix::io::Errno::OPNOTSUPP) => self.reserved = u64::MAX,
                Err(error) => return Err(error.into()),
            }
        }
        let room = usize::try_from(self.reserved - self.written).unwrap_or(usize::MAX);
        let taken = (&*self.file).write(bytes.get(..room).unwrap_or(bytes))?;
        self.written += u64::try_from(taken).unwrap_or(0);
        Ok(taken)
    }
}

/// Syncs the segments of a run at an interval, so that they survive a loss of power. Ends when
/// no sender is left that could add segments.
pub(crate) fn sync_segments(folder: &DirHandle, new: &Receiver<Arc<File>>, every: Duration) {
    let mut files = Vec::new();
    let mut fresh = false;
    let mut next = Instant::now() + every;
    loop {
        match new.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(file) => {
                files.push(Arc::downgrade(&file));
                fresh = true;
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // The next write reports an error of this sync, and tries again.
        if std::mem::take(&mut fresh) {
            let _ = folder.sync();
        }
        files.retain(|file| match file.upgrade() {
            Some(file) => {
                let _ = file.sync_data();
                true
            }
            None => false,
        });
        next = Instant::now() + every;
    }
}

/// Creates the channel that brings new segments to the syncing thread.
pub(crate) fn sync_channel() -> (Sender<Arc<File>>, Receiver<Arc<File>>) {
    channel()
}
