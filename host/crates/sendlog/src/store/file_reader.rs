//! Reads parts of a file in a folder or a bucket.

use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::store::s3::Bucket;

/// Minimum bytes of a request, 256 KiB. That holds a footer with room to spare, or a column of
/// words of one row group. Every request costs the same, however small.
const FETCH_WINDOW: u64 = 256 << 10;

/// A file of a folder or a bucket that is read in parts.
#[derive(Debug)]
pub(crate) enum FileReader {
    Local(File),
    Remote(Arc<RemoteFile>),
}

impl FileReader {
    pub(crate) fn remote(bucket: &Arc<Bucket>, key: &str, size: u64) -> Self {
        Self::Remote(Arc::new(RemoteFile {
            bucket: Arc::clone(bucket),
            key: key.to_owned(),
            size,
            window: Mutex::new((0, Bytes::new())),
        }))
    }
}

impl Length for FileReader {
    fn len(&self) -> u64 {
        match self {
            Self::Local(file) => file.len(),
            Self::Remote(remote) => remote.size,
        }
    }
}

impl ChunkReader for FileReader {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(match self {
            Self::Local(file) => Box::new(file.get_read(start)?),
            Self::Remote(remote) => Box::new(RemoteRead {
                remote: Arc::clone(remote),
                at: start,
            }),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match self {
            Self::Local(file) => file.get_bytes(start, length),
            Self::Remote(remote) => Ok(remote.bytes(start, length)?),
        }
    }
}

/// An object of a bucket. The last part that was fetched is kept.
#[derive(Debug)]
pub(crate) struct RemoteFile {
    bucket: Arc<Bucket>,
    key: String,
    size: u64,
    window: Mutex<(u64, Bytes)>,
}

impl RemoteFile {
    fn bytes(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        let end = start.saturating_add(wanted);
        if end > self.size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |(from, bytes): &(u64, Bytes)| {
            let first = usize::try_from(start.checked_sub(*from)?).ok()?;
            let last = first.checked_add(length)?;
            (last <= bytes.len()).then(|| bytes.slice(first..last))
        };
        if let Some(bytes) = within(&window) {
            return Ok(bytes);
        }
        // Near the end, the reader needs the bytes before these next.
        let from = start.min(self.size.saturating_sub(FETCH_WINDOW));
        let to = from.saturating_add(FETCH_WINDOW).max(end).min(self.size);
        let fetched = self.bucket.get_range(&self.key, from..to);
        *window = (from, fetched.map_err(std::io::Error::other)?);
        within(&window).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

struct RemoteRead {
    remote: Arc<RemoteFile>,
    at: u64,
}

impl Read for RemoteRead {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.remote.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let length = into.len().min(left);
        let bytes = self.remote.bytes(self.at, length)?;
        for (to, byte) in into.iter_mut().zip(&bytes) {
            *to = *byte;
        }
        self.at += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }
}
