//! The thread that writes one Parquet file: batches come in, encoded and compressed
//! pages go out, while whoever sends them makes the next one. Knows nothing of rows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;

use super::patience::PatientFile;
use super::progress::Shared;

/// Batches that may wait: one is written while the next is made, and the memory that
/// they take is bounded.
const WAITING: usize = 1;

enum Said {
    Batch(RecordBatch),
    /// The file is whole, with these words in its footer.
    End(Vec<KeyValue>),
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Pen {
    /// `None` once there is nothing more to say.
    said: Option<SyncSender<Said>>,
    thread: Option<JoinHandle<Result<(), ParquetError>>>,
    size: Arc<AtomicU64>,
}

impl Pen {
    /// Makes the file and begins to write it.
    pub(super) fn open(
        path: PathBuf,
        schema: Arc<Schema>,
        options: ArrowWriterOptions,
        shared: &Arc<Shared>,
    ) -> Result<Self, ParquetError> {
        let file = PatientFile::create(&path, shared)?;
        let writer = ArrowWriter::try_new_with_options(file, schema, options)?;
        let (said, heard) = sync_channel(WAITING);
        let size = Arc::new(AtomicU64::new(0));
        let shown = Arc::clone(&size);
        let thread = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || write(writer, &heard, &shown))?;
        Ok(Self {
            said: Some(said),
            thread: Some(thread),
            size,
        })
    }

    /// Bytes of the file so far, as of the last batch that is written.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Writes a batch, when those before it are.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<(), ParquetError> {
        self.say(Said::Batch(batch))
    }

    /// Lets the footer be written, and the file be made durable.
    pub(super) fn end(&mut self, words: Vec<KeyValue>) -> Result<(), ParquetError> {
        self.say(Said::End(words))
    }

    /// Waits until that is done.
    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        self.put_down()
    }

    fn say(&mut self, said: Said) -> Result<(), ParquetError> {
        let heard = self.said.as_ref().map(|thread| thread.send(said));
        match heard {
            Some(Ok(())) => Ok(()),
            // It has ended, and says why.
            _ => self.put_down(),
        }
    }

    /// Waits for the end of what was said.
    fn put_down(&mut self) -> Result<(), ParquetError> {
        self.said = None;
        let panicked = || ParquetError::General("the thread of a file ended in a panic".into());
        match self.thread.take() {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(panicked())),
            None => Err(ParquetError::General("the file has ended before".into())),
        }
    }
}

impl Drop for Pen {
    /// A file that nobody finishes is left as it is; its thread does not outlive it.
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.put_down();
        }
    }
}

fn write(
    mut writer: ArrowWriter<PatientFile>,
    heard: &Receiver<Said>,
    size: &AtomicU64,
) -> Result<(), ParquetError> {
    while let Ok(said) = heard.recv() {
        match said {
            Said::Batch(batch) => {
                writer.write(&batch)?;
                let bytes = writer.bytes_written() + writer.in_progress_size();
                size.store(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
            Said::End(words) => {
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
