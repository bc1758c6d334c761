//! Turns appended records into Parquet files in the store.

pub(crate) mod appender;
pub(crate) mod columns;
pub(crate) mod encoder;
pub(crate) mod encoder_thread;
pub(crate) mod parquet_writer;
pub(crate) mod partition_file;
pub(crate) mod progress;
pub(crate) mod recovery;
pub(crate) mod retry;
pub(crate) mod upload_queue;
pub(crate) mod uploader;
