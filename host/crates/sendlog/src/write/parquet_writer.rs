//! Compresses and writes one Parquet file on a thread.
//!
//! Batches are encoded and compressed while the encoder fills the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use mockfleet_files::dir_handle::DirHandle;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;

use crate::spool::files::PartName;
use crate::write::progress::SharedProgress;
use crate::write::retry::RetryingFile;

/// Number of batches that may wait. One is written while the next is made, and the memory of
/// waiting batches is bounded.
const QUEUED_BATCHES: usize = 1;

enum WriterMessage {
    Batch(RecordBatch),
    /// The file is complete, with these key-value pairs in its footer.
    End(Vec<KeyValue>),
}

/// A partition file that a thread of its own writes.
#[derive(Debug)]
pub(crate) struct ParquetWriterThread {
    /// `None` once no more messages follow.
    message: Option<SyncSender<WriterMessage>>,
    thread: Option<JoinHandle<Result<(), ParquetError>>>,
    size: Arc<AtomicU64>,
}

impl ParquetWriterThread {
    /// Creates the file and starts the thread that writes it.
    pub(crate) fn open(
        folder: &DirHandle,
        name: &PartName,
        schema: Arc<Schema>,
        options: ArrowWriterOptions,
        shared: &Arc<SharedProgress>,
    ) -> Result<Self, ParquetError> {
        let file = RetryingFile::create(folder, name.as_str(), shared)?;
        let writer = ArrowWriter::try_new_with_options(file, schema, options)?;
        let (message, messages) = sync_channel(QUEUED_BATCHES);
        let size = Arc::new(AtomicU64::new(0));
        let shared_size = Arc::clone(&size);
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || write(writer, &messages, &shared_size))?;
        Ok(Self {
            message: Some(message),
            thread: Some(thread),
            size,
        })
    }

    /// Bytes of the file so far, up to the last batch that is written.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Sends a batch to the thread. Waits while the queue is full.
    pub(crate) fn write(&mut self, batch: RecordBatch) -> Result<(), ParquetError> {
        self.send(WriterMessage::Batch(batch))
    }

    /// Requests the thread to write the footer and to sync the file.
    pub(crate) fn end(&mut self, words: Vec<KeyValue>) -> Result<(), ParquetError> {
        self.send(WriterMessage::End(words))
    }

    /// Waits until the file is complete and synced.
    pub(crate) fn finish(mut self) -> Result<(), ParquetError> {
        self.join()
    }

    fn send(&mut self, message: WriterMessage) -> Result<(), ParquetError> {
        let messages = self.message.as_ref().map(|thread| thread.send(message));
        match messages {
            Some(Ok(())) => Ok(()),
            // The thread has ended, and its result has the error.
            _ => self.join(),
        }
    }

    /// Waits until the thread has processed all messages.
    fn join(&mut self) -> Result<(), ParquetError> {
        self.message = None;
        let panicked = || ParquetError::General("the thread of a file ended in a panic".into());
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(panicked())),
            None => Err(ParquetError::General("the file has ended before".into())),
        }
    }
}

impl Drop for ParquetWriterThread {
    /// Leaves an unfinished file as it is. The thread does not outlive this value.
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.join();
        }
    }
}

fn write(
    mut writer: ArrowWriter<RetryingFile>,
    messages: &Receiver<WriterMessage>,
    size: &AtomicU64,
) -> Result<(), ParquetError> {
    while let Ok(message) = messages.recv() {
        match message {
            WriterMessage::Batch(batch) => {
                writer.write(&batch)?;
                let bytes = writer.bytes_written() + writer.in_progress_size();
                size.store(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
            WriterMessage::End(words) => {
                words
                    .into_iter()
                    .for_each(|pair| writer.append_key_value_metadata(pair));
                writer.finish()?;
                return Ok(writer.inner_mut().sync()?);
            }
        }
    }
    Ok(())
}
