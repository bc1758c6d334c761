//! Frames records in a segment: length, checksum, bytes.
//!
//! A torn or damaged frame ends the reading, and is never returned as a record.

use serde::Serialize;

/// Size of a frame's header in bytes: length and CRC-32 of the record, little-endian.
pub(crate) const HEADER_LENGTH: usize = 8;

/// Maximum length of a record, 300 MiB. A larger length is damage. Payloads have at most 256
/// MiB (MQTT 3.1.1, section 2.2.3).
const MAX_RECORD_LENGTH: usize = 300 << 20;

/// Returns the length of the frame that begins with this header, or `None` for damage.
pub(crate) fn frame_length(header: [u8; HEADER_LENGTH]) -> Option<usize> {
    let [a, b, c, d, ..] = header;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    // A hole in a file looks like an empty record.
    (1..=MAX_RECORD_LENGTH)
        .contains(&length)
        .then_some(HEADER_LENGTH + length)
}

/// Appends a record to a segment.
#[inline]
pub(crate) fn write(record: &impl Serialize, segment: &mut Vec<u8>) {
    let start = segment.len();
    segment.extend_from_slice(&[0; HEADER_LENGTH]);
    // Cannot fail: it writes to memory, and all lengths are known.
    if let Ok(longer) = postcard::to_extend(record, std::mem::take(segment)) {
        *segment = longer;
    }
    let Some((head, body)) = segment
        .get_mut(start..)
        .and_then(|frame| frame.split_at_mut_checked(HEADER_LENGTH))
    else {
        return;
    };
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let sum = crc32fast::hash(body);
    for (place, byte) in head
        .iter_mut()
        .zip(length.to_le_bytes().into_iter().chain(sum.to_le_bytes()))
    {
        *place = byte;
    }
}

/// Iterates over the records of a segment, up to its end or to the first damage. Each item has
/// the record's offset in the segment and its bytes.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    /// Offset of the rest in the segment, in bytes.
    at: usize,
    /// Whether checksums are verified, because the bytes may have changed since they were
    /// written.
    checked: bool,
}

impl<'a> Records<'a> {
    /// Reads the records of a segment that was on a disk.
    pub(crate) fn from_disk(segment: &'a [u8]) -> Self {
        Self {
            rest: segment,
            at: 0,
            checked: true,
        }
    }

    /// Reads the records of a segment that never left the memory of this process. This process
    /// wrote the checksums a moment ago, so it does not compute them again.
    pub(crate) fn in_memory(segment: &'a [u8]) -> Self {
        Self {
            checked: false,
            ..Self::from_disk(segment)
        }
    }

    /// Returns the number of bytes after the last record: zero for an intact segment.
    pub(crate) fn unread(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let (length, after) = self.rest.split_first_chunk::<4>()?;
        let (sum, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        // A hole in a file looks like an empty record.
        let (body, after) = after
            .split_at_checked(length)
            .filter(|_| length > 0 && length <= MAX_RECORD_LENGTH)?;
        if self.checked && crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let start = self.at + HEADER_LENGTH;
        self.at = start + length;
        self.rest = after;
        Some((start, body))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(records: &[String]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for record in records {
            write(record, &mut bytes);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn read(bytes: &[u8]) -> (Vec<String>, usize) {
        let mut records = Records::from_disk(bytes);
        let read = records
            .by_ref()
            .map(|(start, record)| {
                assert_eq!(bytes.get(start..start + record.len()), Some(record));
                postcard::from_bytes(record).unwrap()
            })
            .collect();
        (read, records.unread())
    }

    proptest! {
        #[test]
        fn whole_segments_come_back(records in prop::collection::vec(".{0,40}", 0..20)) {
            let (bytes, _) = segment(&records);
            prop_assert_eq!(read(&bytes), (records, 0));
        }

        #[test]
        fn a_torn_segment_gives_every_whole_record(
            records in prop::collection::vec(".{0,40}", 1..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let (bytes, ends) = segment(&records);
            let cut = cut.index(bytes.len());
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (found, unread) = read(&bytes[..cut]);
            prop_assert_eq!(&found[..], &records[..whole]);
            prop_assert_eq!(unread, cut - whole.checked_sub(1).map_or(0, |last| ends[last]));
        }

        #[test]
        fn a_flipped_bit_invents_nothing_and_keeps_what_is_before_it(
            records in prop::collection::vec(".{0,40}", 1..20),
            place in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let (mut bytes, ends) = segment(&records);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let before = ends.iter().filter(|end| **end <= place).count();
            let (found, unread) = read(&bytes);
            prop_assert_eq!(&found[..], &records[..before]);
            prop_assert!(unread > 0);
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes: Vec<u8>) {
            let mut records = Records::from_disk(&bytes);
            records.by_ref().for_each(drop);
            prop_assert!(records.unread() <= bytes.len());
        }
    }
}
