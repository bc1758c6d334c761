//! Computes one hash over all rows of a run.
//!
//! The hash does not depend on the order of rows, so two runs of one seed have the same one.
//! Memory is one batch of rows.
//!
//! docs/time.md describes the computation for others: a change here changes that page and
//! [`DIGEST_HEADER`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BinaryArray, RecordBatch, StringArray};
use sha2::{Digest as _, Sha256};

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::file_name::FileName;
use crate::format::schema::LogTable;
use crate::read::footer::Footer;
use crate::read::stats::SkippedFile;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// First bytes of the last hash: the version of the rules that computed it.
const DIGEST_HEADER: &[u8] = b"mockfleet digest 1\n";

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 1024;

/// The columns of `sends` that the digest covers.
const COLUMNS: [&str; 8] = [
    "device_id",
    "seq",
    "scheduled_at",
    "channel",
    "payload",
    "payload_bin",
    "fault",
    "payload_size",
];

/// The digest of a run's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// Number of rows of `sends`.
    pub rows: u64,
    /// Number of rows whose payload is not complete in the log.
    pub missing_payloads: MissingPayloads,
    /// The sum of the hashes of all rows, modulo 2^256, the lowest part first.
    sum: [u64; 4],
}

/// Number of rows whose payload is not complete in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MissingPayloads {
    /// Rows without a payload.
    pub none: u64,
    /// Rows with the first bytes of the payload only.
    pub cut: u64,
    /// Rows with the hash of the payload only, which proves the payload as well.
    pub hashed: u64,
}

impl Digest {
    /// Returns the digest in hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        let mut whole = Sha256::new();
        whole.update(DIGEST_HEADER);
        whole.update(self.rows.to_le_bytes());
        for part in self.sum.iter().rev() {
            whole.update(part.to_be_bytes());
        }
        let mut hex = String::new();
        for byte in whole.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Adds the rows of another digest.
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.missing_payloads.none += other.missing_payloads.none;
        self.missing_payloads.cut += other.missing_payloads.cut;
        self.missing_payloads.hashed += other.missing_payloads.hashed;
        self.add_number(other.sum);
    }

    fn add_number(&mut self, number: [u64; 4]) {
        let mut carry = false;
        for (mine, other) in self.sum.iter_mut().zip(number) {
            let (sum, over) = mine.overflowing_add(other);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            *mine = sum;
            carry = over || again;
        }
    }

    /// Adds a row by its canonical bytes.
    fn add_row(&mut self, bytes: &[u8]) {
        self.rows += 1;
        let hash = Sha256::digest(bytes);
        let mut number = [0; 4];
        for (part, bytes) in number.iter_mut().zip(hash.rchunks_exact(8)) {
            *part = bytes
                .iter()
                .fold(0, |part, byte| (part << 8) | u64::from(*byte));
        }
        self.add_number(number);
    }
}

/// The digests of a store.
#[derive(Debug, Default)]
pub struct Digests {
    /// The digests by the run's id. Ids sort by time.
    pub runs: BTreeMap<String, Digest>,
    /// Files that mockfleet wrote and that cannot be read. Their rows are missing.
    pub unread: Vec<SkippedFile>,
    /// Files that mockfleet did not write.
    pub foreign: Vec<SkippedFile>,
}

/// Computes the digests of all runs of a store, or of one run.
///
/// # Errors
/// [`LogError::Read`] if the store cannot be read. A file that cannot be read is no error: the
/// result lists it.
pub fn digests(store: &Store, run: Option<&str>) -> Result<Digests, LogError> {
    let reader = StoreReader::open(store)?;
    let mut files = reader.files(LogTable::Sends)?;
    if let Some(run) = run {
        files.retain(|file| FileName::parse(&file.key).is_some_and(|name| name.run == run));
    }
    let read = reader.map_concurrently(&files, |file| digest(&reader, file));
    let mut all = Digests::default();
    for (file, read) in files.iter().zip(read) {
        match read {
            Ok((run, digest)) => all.runs.entry(run).or_default().add(&digest),
            Err(error) => {
                let list = match FileName::parse(&file.key) {
                    Some(_) => &mut all.unread,
                    None => &mut all.foreign,
                };
                list.push(SkippedFile {
                    file: reader.display_name(&file.key),
                    bytes: file.size,
                    why: error.to_string(),
                });
            }
        }
    }
    Ok(all)
}

fn digest(reader: &StoreReader, file: &ObjectMeta) -> Result<(String, Digest), ReadError> {
    let footer = Footer::read(reader, file)?;
    let run = footer.run.clone();
    let mut digest = Digest::default();
    let mut bytes = Vec::new();
    footer.batches(&COLUMNS, BATCH_ROWS, |batch| {
        add(batch, &mut digest, &mut bytes).ok_or(ReadError::Columns)
    })?;
    Ok((run, digest))
}

fn add(batch: &RecordBatch, digest: &mut Digest, bytes: &mut Vec<u8>) -> Option<()> {
    let column = |name: &str| batch.column_by_name(name);
    let text = |name: &str| column(name)?.as_string_opt::<i32>();
    let (devices, channels) = (text("device_id")?, text("channel")?);
    let (texts, faults) = (text("payload")?, text("fault")?);
    let binaries = column("payload_bin")?.as_binary_opt::<i32>()?;
    let seqs = column("seq")?.as_primitive_opt::<Int64Type>()?;
    let dues = column("scheduled_at")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let sizes = column("payload_size")?.as_primitive_opt::<Int32Type>()?;
    for place in 0..batch.num_rows() {
        bytes.clear();
        put(devices.value(place).as_bytes(), bytes);
        bytes.extend_from_slice(&seqs.value(place).to_le_bytes());
        bytes.extend_from_slice(&dues.value(place).to_le_bytes());
        put(channels.value(place).as_bytes(), bytes);
        let payload = payload(texts, binaries, place);
        put_or_none(payload, bytes);
        let fault = faults.is_valid(place).then(|| faults.value(place));
        put_or_none(fault.map(str::as_bytes), bytes);
        digest.add_row(bytes);
        digest.missing_payloads.count(payload, sizes.value(place));
    }
    Some(())
}

fn payload<'a>(
    texts: &'a StringArray,
    binaries: &'a BinaryArray,
    place: usize,
) -> Option<&'a [u8]> {
    if texts.is_valid(place) {
        return Some(texts.value(place).as_bytes());
    }
    binaries.is_valid(place).then(|| binaries.value(place))
}

impl MissingPayloads {
    fn count(&mut self, payload: Option<&[u8]>, size: i32) {
        match payload {
            None => self.none += 1,
            Some(kept) if i32::try_from(kept.len()) == Ok(size) => {}
            // Shorter than the payload that it replaces, or longer.
            Some(kept) if kept.len() == HASH_LENGTH && kept.starts_with(b"sha256:") => {
                self.hashed += 1
            }
            Some(_) => self.cut += 1,
        }
    }
}

/// Length in bytes of a payload's hash, as the log stores it.
const HASH_LENGTH: usize = "sha256:".len() + 64;

/// Writes the length of the value, and then its bytes.
fn put(value: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(value);
}

fn put_or_none(value: Option<&[u8]>, into: &mut Vec<u8>) {
    into.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(value, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add_row(row));
        digest
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_their_number_does() {
        assert_eq!(of(&[b"a", b"b", b"c"]).hex(), of(&[b"c", b"a", b"b"]).hex());
        assert_ne!(of(&[b"a", b"a"]).hex(), of(&[b"a"]).hex());
        assert_ne!(of(&[b"a"]).hex(), of(&[]).hex());
        let mut sum = of(&[b"a"]);
        sum.add(&of(&[b"b", b"c"]));
        assert_eq!(sum, of(&[b"c", b"b", b"a"]));
    }

    #[test]
    fn the_digest_of_known_rows_never_changes() {
        // Computed with Python's hashlib from the rules of docs/time.md.
        assert_eq!(
            of(&[b"abc", b""]).hex(),
            "fc124e4a6e98a4e6e1533a53f8d1ed15dcc3b7e199cd81263ffc68d619ef443c"
        );
    }

    #[test]
    fn a_sum_beyond_its_end_begins_anew() {
        let mut digest = Digest {
            sum: [u64::MAX; 4],
            ..Digest::default()
        };
        digest.add_number([2, 0, 0, 0]);
        assert_eq!(digest.sum, [1, 0, 0, 0]);
    }

    #[test]
    fn what_was_not_kept_is_told_from_what_was() {
        let mut missing_payloads = MissingPayloads::default();
        missing_payloads.count(Some(b"abc"), 3);
        missing_payloads.count(Some(b"ab"), 3);
        missing_payloads.count(None, 3);
        let hash = format!("sha256:{}", "0".repeat(64));
        missing_payloads.count(Some(hash.as_bytes()), 3);
        assert_eq!(
            (
                missing_payloads.none,
                missing_payloads.cut,
                missing_payloads.hashed
            ),
            (1, 1, 1)
        );
    }
}
