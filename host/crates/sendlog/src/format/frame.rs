//! Frames records in a segment: length, checksum, bytes.
//!
//! A torn or damaged frame ends the reading; it never becomes a record.

use serde::Serialize;

/// Length and CRC-32 of a record, little-endian.
const HEADER_LENGTH: usize = 8;

/// A record is no longer than this: what says so is damage. Payloads have at most
/// 256 MiB (MQTT 3.1.1, section 2.2.3).
const MAX_RECORD_LENGTH: usize = 300 << 20;

/// Appends a record.
#[inline]
pub(crate) fn write(record: &impl Serialize, segment: &mut Vec<u8>) {
    let start = segment.len();
    segment.extend_from_slice(&[0; HEADER_LENGTH]);
    // Into memory, with lengths that are known: there is nothing that can fail.
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

/// The records of a segment, up to its end or to the first damage, each with the place
/// where it begins.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    /// Where the rest begins.
    at: usize,
    /// Whether the bytes may have changed since they were written.
    checked: bool,
}

impl<'a> Records<'a> {
    /// Those of a segment that was on a disk.
    pub(crate) fn from_disk(segment: &'a [u8]) -> Self {
        Self {
            rest: segment,
            at: 0,
            checked: true,
        }
    }

    /// Those of a segment that never left this process's memory: their sums, written
    /// a moment ago by this very process, are not worked out again.
    pub(crate) fn in_memory(segment: &'a [u8]) -> Self {
        Self {
            checked: false,
            ..Self::from_disk(segment)
        }
    }

    /// Bytes that are no record: zero after a whole segment.
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
        // An empty record is what a hole in a file looks like.
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
