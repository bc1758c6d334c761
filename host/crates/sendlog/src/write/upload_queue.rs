//! Queues finished files for upload, bounded by memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::log_error::LogError;
use crate::spool::manifest::FinishedFile;

/// Largest number of bytes of files in flight, which uploads hold in memory. A larger file is
/// uploaded alone. The limit fits one file of the usual roll size, or all small files of a
/// busy minute.
const MAX_IN_FLIGHT_BYTES: u64 = 128 << 20;

/// A file that waits for upload, or is being uploaded.
#[derive(Debug)]
pub(crate) struct UploadJob {
    pub(crate) file: FinishedFile,
    pub(crate) bytes: u64,
    pub(crate) uploads: Arc<GenerationUploads>,
}

/// The files of one generation.
#[derive(Debug)]
pub(crate) struct GenerationUploads {
    pub(crate) generation: u64,
    remaining: AtomicUsize,
}

impl GenerationUploads {
    pub(crate) fn new(generation: u64, files: usize) -> Arc<Self> {
        Arc::new(Self {
            generation,
            remaining: AtomicUsize::new(files),
        })
    }

    /// Counts one uploaded file. Returns true for the last one.
    pub(crate) fn complete_one(&self) -> bool {
        self.remaining.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// The files that wait for upload.
#[derive(Debug, Default)]
pub(crate) struct UploadQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<UploadJob>,
    /// Bytes of the files that are being uploaded.
    in_flight_bytes: u64,
    /// Whether no more files follow.
    closed: bool,
    failure: Option<LogError>,
}

impl UploadQueue {
    pub(crate) fn push(&self, job: UploadJob) {
        self.lock().waiting.push_back(job);
        self.changed.notify_one();
    }

    /// Waits for the next file and for room in flight. Returns `None` when no more files
    /// follow, or when an upload has failed for good.
    pub(crate) fn next(&self) -> Option<UploadJob> {
        let mut state = self.lock();
        loop {
            if state.failure.is_some() || (state.closed && state.waiting.is_empty()) {
                return None;
            }
            let in_flight_bytes = state.in_flight_bytes;
            let fits = |job: &UploadJob| {
                in_flight_bytes == 0 || in_flight_bytes + job.bytes <= MAX_IN_FLIGHT_BYTES
            };
            if state.waiting.front().is_some_and(fits)
                && let Some(job) = state.waiting.pop_front()
            {
                state.in_flight_bytes += job.bytes;
                return Some(job);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reports the end of the upload of a file that `next` returned.
    pub(crate) fn complete(&self, bytes: u64, end: Result<(), LogError>) {
        let mut state = self.lock();
        state.in_flight_bytes -= bytes;
        if let Err(error) = end {
            state.failure.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Closes the queue: no more files follow.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Returns the first error that an upload gave up with, if there is one.
    pub(crate) fn into_result(self) -> Result<(), LogError> {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.failure.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::file_name::LogKey;
    use crate::format::identity::Identity;
    use crate::format::schema::LogTable;
    use crate::spool::files::PartName;

    fn job(bytes: u64) -> UploadJob {
        UploadJob {
            file: FinishedFile {
                part: PartName::new(LogTable::Sends, 1, 1),
                key: LogKey::new(LogTable::Sends, 0, &Identity::new(), 0, 0),
                rows: 1,
            },
            bytes,
            uploads: GenerationUploads::new(1, 1),
        }
    }

    #[test]
    fn files_upload_in_parallel_and_a_large_one_alone() {
        let queue = UploadQueue::default();
        for bytes in [
            MAX_IN_FLIGHT_BYTES / 2,
            MAX_IN_FLIGHT_BYTES / 2,
            4 * MAX_IN_FLIGHT_BYTES,
        ] {
            queue.push(job(bytes));
        }
        queue.close();
        let (first, second) = (queue.next().unwrap(), queue.next().unwrap());
        std::thread::scope(|scope| {
            let third = scope.spawn(|| queue.next().unwrap().bytes);
            queue.complete(first.bytes, Ok(()));
            assert!(!third.is_finished(), "one half is still on its way");
            queue.complete(second.bytes, Ok(()));
            assert_eq!(third.join().unwrap(), 4 * MAX_IN_FLIGHT_BYTES);
        });
        queue.complete(4 * MAX_IN_FLIGHT_BYTES, Ok(()));
        assert!(queue.next().is_none());
        assert!(queue.into_result().is_ok());
    }

    #[test]
    fn who_gives_up_ends_the_others_too() {
        let queue = UploadQueue::default();
        queue.push(job(1));
        queue.push(job(1));
        let taken = queue.next().unwrap();
        queue.complete(taken.bytes, Err(LogError::ThreadPanic));
        assert!(queue.next().is_none());
        assert!(queue.into_result().is_err());
    }
}
