//! Stores records in buckets by a hash.
//!
//! The buckets stay in memory up to 64 MiB, and then move to temporary files.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use serde::{Deserialize, Serialize};

/// The number of buckets: of 100 million records of 150 bytes, one bucket has 120 MB. Each may
/// have an open file, and a process has at least 1,000.
pub(crate) const BUCKETS: u32 = 128;

/// Most bytes in memory.
const MAX_BUFFERED: usize = 64 << 20;

/// Records in buckets.
pub(crate) struct Buckets {
    buckets: Vec<Bucket>,
    held: usize,
}

#[derive(Default)]
struct Bucket {
    bytes: Vec<u8>,
    file: Option<File>,
}

impl Buckets {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(),
            held: 0,
        }
    }

    /// Stores a record in the bucket of a hash.
    pub(crate) fn put(&mut self, hash: u32, record: &impl Serialize) -> Result<(), String> {
        let place = usize::try_from(hash % BUCKETS).unwrap_or(0);
        let Some(bucket) = self.buckets.get_mut(place) else {
            return Ok(());
        };
        let before = bucket.bytes.len();
        let bytes = std::mem::take(&mut bucket.bytes);
        bucket.bytes = postcard::to_extend(record, bytes).map_err(|error| error.to_string())?;
        self.held += bucket.bytes.len() - before;
        if self.held > MAX_BUFFERED {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), String> {
        for bucket in &mut self.buckets {
            let file = match &mut bucket.file {
                Some(file) => file,
                // The file has no name, so it is deleted when this process ends for any
                // reason.
                None => bucket.file.insert(tempfile::tempfile().map_err(room)?),
            };
            file.write_all(&bucket.bytes).map_err(room)?;
            // A new vector frees the memory, which would otherwise stay reserved for each
            // bucket.
            bucket.bytes = Vec::new();
        }
        self.held = 0;
        Ok(())
    }

    /// Removes a bucket, and returns its records.
    pub(crate) fn take(&mut self, number: u32) -> Result<BucketReader, String> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        if let Some(bucket) = self.buckets.get_mut(place) {
            if let Some(mut file) = bucket.file.take() {
                file.seek(SeekFrom::Start(0)).map_err(room)?;
                file.read_to_end(&mut bytes).map_err(room)?;
            }
            bytes.append(&mut std::mem::take(&mut bucket.bytes));
        }
        Ok(BucketReader(bytes))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn room(error: std::io::Error) -> String {
    format!(
        "the temporary files in {} cannot be used: {error}; TMPDIR names another folder",
        std::env::temp_dir().display()
    )
}

/// The records of a bucket.
pub(crate) struct BucketReader(Vec<u8>);

impl BucketReader {
    /// Returns the records in the order in which they were stored.
    pub(crate) fn records<'a, T: Deserialize<'a>>(&'a self) -> impl Iterator<Item = T> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (record, left) = postcard::take_from_bytes(rest).ok()?;
            rest = left;
            Some(record)
        })
    }
}

/// Returns the hash that selects the bucket of a digest.
pub(crate) fn hash(digest: &[u8; 16]) -> u32 {
    let [a, b, c, d, ..] = *digest;
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_out_of_its_bucket_in_order_from_files_too() {
        let mut buckets = Buckets::new();
        for n in 0..1_000_u32 {
            buckets.put(n, &(n, "text")).unwrap();
            if n == 500 {
                buckets.spill().unwrap();
            }
        }
        let mut seen = 0;
        for number in 0..BUCKETS {
            let taken = buckets.take(number).unwrap();
            let records: Vec<(u32, &str)> = taken.records().collect();
            assert!(records.iter().all(|(n, _)| n % BUCKETS == number));
            assert!(records.is_sorted());
            seen += records.len();
        }
        assert_eq!(seen, 1_000);
    }
}
