//! Reads a segment in parts of whole frames.
//!
//! A segment of any size fits into memory so.

use std::fs::File;
use std::io::{self, BufReader, Read as _};

use crate::format::frame::{HEADER_LENGTH, frame_length};

/// Bytes at which a part ends, 16 MiB.
const PART_BYTES: usize = 16 << 20;

/// A segment that is read from its start.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    file: BufReader<File>,
    /// Bytes of the segment that are not read yet.
    left: u64,
}

impl SegmentReader {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            left: file.metadata()?.len(),
            file: BufReader::new(file),
        })
    }

    /// Reads the next whole frames. There are none at the end of the segment, and none from the
    /// first damaged frame on.
    pub(crate) fn read_part(&mut self, part: &mut Vec<u8>) -> io::Result<()> {
        part.clear();
        while part.len() < PART_BYTES && self.left >= wide(HEADER_LENGTH) {
            let mut header = [0; HEADER_LENGTH];
            self.file.read_exact(&mut header)?;
            let length = frame_length(header).filter(|length| wide(*length) <= self.left);
            let Some(length) = length else {
                // The rest has no frame that could be found.
                self.file
                    .seek_relative(-i64::try_from(HEADER_LENGTH).unwrap_or(0))?;
                return Ok(());
            };
            part.extend_from_slice(&header);
            let body = wide(length - HEADER_LENGTH);
            let read = self.file.by_ref().take(body).read_to_end(part)?;
            if wide(read) < body {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.left -= wide(length);
        }
        Ok(())
    }

    /// Bytes of the segment that are not read yet.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::format::frame;

    fn read(bytes: &[u8]) -> (Vec<usize>, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let mut reader = SegmentReader::new(file).unwrap();
        let (mut part, mut parts) = (Vec::new(), Vec::new());
        loop {
            reader.read_part(&mut part).unwrap();
            if part.is_empty() {
                return (parts, reader.left());
            }
            parts.push(part.len());
        }
    }

    #[test]
    fn parts_end_between_frames() {
        let mut segment = Vec::new();
        for _ in 0..40 {
            frame::write(&vec![7_u8; 1 << 20], &mut segment);
        }
        let frame = segment.len() / 40;
        let (parts, left) = read(&segment);
        assert_eq!(parts, [16 * frame, 16 * frame, 8 * frame]);
        assert_eq!(left, 0);
        segment.truncate(segment.len() - 1);
        let (parts, left) = read(&segment);
        assert_eq!(parts, [16 * frame, 16 * frame, 7 * frame]);
        assert_eq!(left, wide(frame) - 1);
    }

    #[test]
    fn holes_and_lengths_beyond_the_end_are_damage() {
        assert_eq!(read(&[0; 100]), (vec![], 100));
        assert_eq!(read(&[255; 100]), (vec![], 100));
        assert_eq!(read(&[1, 0, 0]), (vec![], 3));
        assert_eq!(read(&[]), (vec![], 0));
    }
}
