//! Opens, serves and closes the log of one run.

use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mockfleet_config::{Log, SpoolFull, Store};
use mockfleet_files::dir_handle::DirHandle;

use crate::error::log_error::LogError;
use crate::format::identity::Identity;
use crate::format::run_catalog::RunCatalog;
use crate::maintenance::retention;
use crate::spool::folder::RunFolder;
use crate::spool::folder::RunHeader;
use crate::spool::segment::sync_channel;
use crate::spool::segment::sync_segments;
use crate::write::appender::Appender;
use crate::write::appender::EncoderMessage;
use crate::write::columns::LabelResolver;
use crate::write::encoder::Encoder;
use crate::write::encoder_thread::EncoderThread;
use crate::write::progress::LogCounters;
use crate::write::progress::LogProgress;
use crate::write::progress::SharedProgress;
use crate::write::uploader::Uploader;

/// The totals and problems of a closed log.
#[derive(Debug)]
#[non_exhaustive]
pub struct LogSummary {
    /// Rows, files and bytes.
    pub counters: LogCounters,
    /// The warnings of the log, each with its number of occurrences.
    pub warnings: Vec<(String, u64)>,
    /// The files or rows that did not reach the store, and their place on this machine.
    pub error: Option<LogError>,
}

/// The write side of one run's log.
pub struct SendLog {
    /// `None` once the log is being closed.
    handed: Option<Sender<EncoderMessage>>,
    sync: Sender<Arc<File>>,
    /// The run's folder in the spool. `None` where no log is written.
    folder: Option<Arc<DirHandle>>,
    appenders: AtomicU32,
    /// The threads of the encoder and the uploader, and of the retention where files expire.
    threads: Vec<JoinHandle<Result<(), LogError>>>,
    shared: Arc<SharedProgress>,
    policy: SpoolFull,
    /// Old files are deleted as long as this sender exists.
    retention_stop: Option<Sender<Infallible>>,
    /// Dropped last, when no thread has a file in the folder any more. `None` where no log is
    /// written.
    spool: Option<RunFolder>,
}

/// Time that a closing log waits for a store that accepts nothing.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Interval at which a closing log reports its progress.
const POLL_EVERY: Duration = Duration::from_millis(50);

impl SendLog {
    /// Opens the log of a run: creates its folders, or proves that the bucket accepts a file.
    /// Without a store, rows are discarded.
    ///
    /// # Errors
    /// [`LogError::Store`] if the store cannot be written, and [`LogError::Thread`] if the system
    /// refuses to create a thread.
    pub fn open(log: &Log, identity: Identity, catalog: RunCatalog) -> Result<Self, LogError> {
        match &log.store {
            Some(store) => Self::open_in(store, log, identity, catalog),
            None => Ok(Self {
                handed: None,
                sync: sync_channel().0,
                folder: None,
                appenders: AtomicU32::new(0),
                threads: Vec::new(),
                shared: Arc::default(),
                policy: log.spool_full,
                retention_stop: None,
                spool: None,
            }),
        }
    }

    fn open_in(
        store: &Store,
        log: &Log,
        identity: Identity,
        catalog: RunCatalog,
    ) -> Result<Self, LogError> {
        let shared = Arc::new(SharedProgress::default());
        shared.limit_spool(log.spool_limit.bytes());
        let header = RunHeader::new(store, identity.clone(), catalog.clone(), log.payload);
        let spool = RunFolder::create(store, &header)?;
        let folder = Arc::clone(spool.handle());
        let uploader = Uploader::open(store, Arc::clone(&folder), Arc::clone(&shared))?;
        let (manifests, finished) = channel();
        let uploader = spawn("log-uploader", move || uploader.run(finished))?;
        let labels = LabelResolver {
            identity,
            catalog,
            payload: log.payload,
        };
        let encoder = Encoder::new(labels, Arc::clone(&folder), Arc::clone(&shared));
        let encoder_thread = EncoderThread::new(
            encoder,
            log.roll_size.bytes(),
            log.roll_every,
            log.spool_limit.bytes(),
            manifests,
        );
        let (handed, records) = channel();
        let encoder = spawn("log-encoder", move || encoder_thread.run(&records))?;
        let (sync, segments) = sync_channel();
        let (kept, every) = (Arc::clone(&folder), log.sync);
        // The thread ends by itself after the last appender.
        spawn("log-sync", move || sync_segments(&kept, &segments, every))?;
        let mut threads = vec![encoder, uploader];
        let retention_stop = match log.retention {
            Some(keep) => {
                let (retention_stop, over) = channel();
                let (store, shared) = (store.clone(), Arc::clone(&shared));
                threads.push(spawn("log-keep", move || {
                    retention::delete_old_files(&store, keep, &shared, &over);
                    Ok(())
                })?);
                Some(retention_stop)
            }
            None => None,
        };
        Ok(Self {
            handed: Some(handed),
            sync,
            folder: Some(folder),
            appenders: AtomicU32::new(0),
            threads,
            shared,
            policy: log.spool_full,
            retention_stop,
            spool: Some(spool),
        })
    }

    /// Returns the write side of the log for one worker.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender::new(
            self.appenders.fetch_add(1, Ordering::Relaxed),
            self.folder.clone(),
            self.handed.clone(),
            self.sync.clone(),
            Arc::clone(&self.shared),
            self.spool.as_ref().map(|_| self.policy),
        )
    }

    /// Returns the state of the log.
    #[must_use]
    pub fn progress(&self) -> LogProgress {
        self.shared.progress()
    }

    /// Writes the remaining rows and closes all files, once every appender is finished. Calls
    /// `wait` with the progress in the meantime.
    pub fn close(mut self, mut wait: impl FnMut(&LogProgress)) -> LogSummary {
        self.handed = None;
        self.retention_stop = None;
        self.shared.close_within(CLOSE_TIMEOUT);
        while !self.threads.iter().all(JoinHandle::is_finished) {
            wait(&self.shared.progress());
            std::thread::sleep(POLL_EVERY);
        }
        let error = self.join().err();
        LogSummary {
            counters: self.shared.progress().counters,
            warnings: self.shared.warnings(),
            error,
        }
    }

    fn join(&mut self) -> Result<(), LogError> {
        let ends: Vec<_> = std::mem::take(&mut self.threads)
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(LogError::ThreadPanic)))
            .collect();
        ends.into_iter().collect()
    }
}

impl Drop for SendLog {
    /// Ends the threads before the folder is removed, also for a run that never began.
    fn drop(&mut self) {
        self.handed = None;
        self.retention_stop = None;
        self.shared.close_within(Duration::ZERO);
        let _ = self.join();
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, LogError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map_err(LogError::Thread)
}
