//! Sorts any number of messages by due time, with temporary files.
//!
//! Runs that fit into memory are sorted and written to temporary files, which are merged when read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, IntoInnerError, Read as _, Seek as _, SeekFrom, Write as _};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Memory of one sorted run, in bytes.
const RUN_BYTES: usize = 64 << 20;

/// Bytes that are read ahead from each sorted run.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// The reason why messages cannot be sorted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SorterError {
    #[error(
        "the temporary files in {folder} cannot be used: {0}; TMPDIR names another folder",
        folder = std::env::temp_dir().display()
    )]
    Files(#[from] std::io::Error),
    #[error(transparent)]
    Record(#[from] postcard::Error),
    /// A record is too long for the field of its length.
    #[error(transparent)]
    RecordLength(#[from] std::num::TryFromIntError),
}

/// A recorded message that is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Recorded time, in microseconds since 1970.
    pub(crate) at: i64,
    /// Order of messages with the same time: the lower number is first.
    pub(crate) then: u64,
    /// The device's number in the recording.
    pub(crate) device: u32,
    /// The channel's number in the recording.
    pub(crate) channel: u16,
    /// The recorded topic or path.
    pub(crate) topic: Option<String>,
    /// The recorded payload.
    #[serde(with = "serde_bytes")]
    pub(crate) payload: Vec<u8>,
}

impl Message {
    fn order(&self) -> (i64, u64) {
        (self.at, self.then)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.payload.len() + self.topic.as_ref().map_or(0, String::len)
    }
}

/// Collects messages in any order, and sorts them.
#[derive(Default)]
pub(crate) struct Sorter {
    buffer: Vec<Message>,
    weight: usize,
    files: Vec<File>,
}

impl Sorter {
    pub(crate) fn put(&mut self, message: Message) -> Result<(), SorterError> {
        self.weight += message.weight();
        self.buffer.push(message);
        if self.weight > RUN_BYTES {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), SorterError> {
        self.buffer.sort_unstable_by_key(Message::order);
        // The file has no name, so it is deleted when this process ends, however it ends.
        let file = tempfile::tempfile()?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for message in self.buffer.drain(..) {
            let bytes = postcard::to_allocvec(&message)?;
            let length = u32::try_from(bytes.len())?;
            out.write_all(&length.to_le_bytes())?;
            out.write_all(&bytes)?;
        }
        self.weight = 0;
        let file = out.into_inner().map_err(IntoInnerError::into_error)?;
        self.files.push(file);
        Ok(())
    }

    /// Returns all messages in order.
    pub(crate) fn done(mut self) -> Result<Stream, SorterError> {
        self.buffer.sort_unstable_by_key(Message::order);
        // Messages are popped from the end.
        self.buffer.reverse();
        let mut pieces = vec![SortedRun::Memory(self.buffer)];
        for mut file in self.files {
            file.seek(SeekFrom::Start(0))?;
            pieces.push(SortedRun::File(BufReader::with_capacity(
                READ_AHEAD_BYTES,
                file,
            )));
        }
        let mut stream = Stream {
            heads: BinaryHeap::new(),
            next: pieces.iter().map(|_| None).collect(),
            pieces,
        };
        for buffer in 0..stream.pieces.len() {
            stream.refill(buffer)?;
        }
        Ok(stream)
    }
}

enum SortedRun {
    Memory(Vec<Message>),
    File(BufReader<File>),
}

/// Messages in the order of their due times.
pub(crate) struct Stream {
    pieces: Vec<SortedRun>,
    /// The next message of each sorted run.
    next: Vec<Option<Message>>,
    /// The order of these messages.
    heads: BinaryHeap<Reverse<((i64, u64), usize)>>,
}

impl Stream {
    fn refill(&mut self, buffer: usize) -> Result<(), SorterError> {
        let message = match self.pieces.get_mut(buffer) {
            None => None,
            Some(SortedRun::Memory(messages)) => messages.pop(),
            Some(SortedRun::File(file)) => read(file)?,
        };
        if let Some(message) = &message {
            self.heads.push(Reverse((message.order(), buffer)));
        }
        if let Some(next) = self.next.get_mut(buffer) {
            *next = message;
        }
        Ok(())
    }

    /// Returns the next message, or `None` after the last one.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, SorterError> {
        let Some(Reverse((_, buffer))) = self.heads.pop() else {
            return Ok(None);
        };
        let message = self.next.get_mut(buffer).and_then(Option::take);
        self.refill(buffer)?;
        Ok(message)
    }
}

fn read(file: &mut BufReader<File>) -> Result<Option<Message>, SorterError> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(Some(postcard::from_bytes(&bytes)?))
}

/// Takes the payload out of a message for its transport.
pub(crate) fn payload(message: &mut Message) -> Bytes {
    std::mem::take(&mut message.payload).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_on_disk_and_in_memory_come_out_in_one_order() {
        let mut sorter = Sorter::default();
        for n in 0..1_000_u64 {
            let mixed = n * 617 % 1_000;
            let message = Message {
                at: i64::try_from(mixed / 10).unwrap(),
                then: mixed % 10,
                device: 0,
                channel: 0,
                topic: Some("t".into()),
                payload: mixed.to_le_bytes().to_vec(),
            };
            sorter.put(message).unwrap();
            if n % 300 == 299 {
                sorter.spill().unwrap();
            }
        }
        let mut stream = sorter.done().unwrap();
        for n in 0..1_000_u64 {
            let message = stream.next().unwrap().unwrap();
            assert_eq!(message.payload, n.to_le_bytes());
        }
        assert_eq!(stream.next().unwrap(), None);
    }
}
