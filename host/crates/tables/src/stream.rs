//! Passes the bytes of an input to a reader of rows.

use std::io::{self, Read};

use mockfleet_datafile::Input;

/// Size of the read buffer in bytes.
const READ_BUFFER: usize = 256 << 10;

/// Bytes that a reader receives at least, except at the end.
const MIN_VISIBLE_BYTES: usize = 3;

/// Bytes that are read in order, and once.
pub(crate) struct Stream<R> {
    from: R,
    buffer: Vec<u8>,
    /// The start of the bytes that are not used yet.
    start: usize,
    end: usize,
    /// The end of the input. A database must not be read again after its end.
    over: bool,
}

impl<R: Read> Stream<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            buffer: vec![0; READ_BUFFER],
            start: 0,
            end: 0,
            over: false,
        }
    }

    /// Reads until there are enough bytes, or the input has ended.
    fn fill(&mut self) -> io::Result<()> {
        while self.end - self.start < MIN_VISIBLE_BYTES && !self.over {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.from.read(free) {
                Ok(read) => {
                    self.end += read;
                    self.over = read == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Input for Stream<R> {
    type Error = io::Error;

    fn take<T>(&mut self, take: impl FnOnce(&[u8]) -> (usize, T)) -> io::Result<T> {
        self.fill()?;
        let (used, result) = take(self.buffer.get(self.start..self.end).unwrap_or_default());
        self.start += used;
        Ok(result)
    }
}
