//! Defines the bytes of a file, and places in it.

/// The bytes of a file, in pieces.
pub trait Input {
    /// The reason why bytes cannot be read.
    type Error;

    /// Passes the next bytes to `take`, which returns how many of them it used. There are at
    /// least three of them, or all that are left. None means the end of the file.
    ///
    /// # Errors
    /// Bytes that cannot be read.
    fn take<T>(&mut self, take: impl FnOnce(&[u8]) -> (usize, T)) -> Result<T, Self::Error>;
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, from 1. Wrong after a jump to an offset.
    pub line: u64,
}

/// The reason why a row cannot be read. Nothing behind it is read either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError<E> {
    /// The bytes cannot be read.
    Input(E),
    /// The file does not have the form of its format.
    Form {
        /// The place of the error.
        at: Position,
        /// A sentence.
        text: String,
    },
}

impl<E> From<E> for ReadError<E> {
    fn from(error: E) -> Self {
        Self::Input(error)
    }
}

impl Position {
    /// The first byte.
    pub(crate) const START: Self = Self { offset: 0, line: 1 };

    /// Moves behind bytes that were used.
    pub(crate) fn pass(&mut self, used: &[u8]) {
        self.offset += to_u64(used.len());
        let breaks = used.iter().filter(|byte| **byte == b'\n').count();
        self.line += to_u64(breaks);
    }
}

pub(crate) fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Skips a byte order mark at the start of a file.
pub(crate) fn skip_mark<I: Input>(input: &mut I, position: &mut Position) -> Result<(), I::Error> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if position.offset > 0 {
        return Ok(());
    }
    position.offset += input.take(|bytes| {
        let length = if bytes.starts_with(MARK) {
            MARK.len()
        } else {
            0
        };
        (length, to_u64(length))
    })?;
    Ok(())
}

/// Skips bytes of these kinds. Returns the next byte, if there is one.
pub(crate) fn skip_while<I: Input>(
    input: &mut I,
    position: &mut Position,
    skipped: impl Fn(u8) -> bool,
) -> Result<Option<u8>, I::Error> {
    loop {
        let (next, ended) = input.take(|bytes| {
            let count = bytes.iter().take_while(|byte| skipped(**byte)).count();
            position.pass(bytes.get(..count).unwrap_or_default());
            (count, (bytes.get(count).copied(), bytes.is_empty()))
        })?;
        if next.is_some() || ended {
            return Ok(next);
        }
    }
}

/// Input of pieces of a fixed length.
#[cfg(test)]
pub(crate) struct Pieces<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) length: usize,
}

#[cfg(test)]
impl Input for Pieces<'_> {
    type Error = std::convert::Infallible;

    fn take<T>(&mut self, take: impl FnOnce(&[u8]) -> (usize, T)) -> Result<T, Self::Error> {
        let end = self.length.max(3).min(self.bytes.len());
        let (used, result) = take(&self.bytes[..end]);
        self.bytes = &self.bytes[used..];
        Ok(result)
    }
}
