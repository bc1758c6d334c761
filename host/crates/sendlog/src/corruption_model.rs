//! Checks that recovery of a damaged spool keeps every intact row.
//!
//! Recovery never panics, never invents a row, returns every row before the damage, and sets
//! the rest aside. The property tests and the fuzzer share this check. A byte string describes
//! the spool and its damage.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a check fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::format::frame;
use crate::format::identity::Identity;
use crate::format::record::{EventKind, EventRow, MessageRow, Outcome, OutcomeRow, Record};
use crate::format::run_catalog::{DeviceIds, GroupEntry, RouteEntry, RunCatalog};
use crate::format::schema::LogTable;
use crate::spool::files::segment_name;
use crate::spool::folder::{RunFolder, RunHeader};
use crate::store::store_reader::StoreReader;
use crate::write::recovery::recover;
use mockfleet_config::{KeepPayload, Placeholder, Store, Template};

/// 2026-11-24T07:00:00Z; all rows are of one hour.
const SEVEN: i64 = 1_795_503_600_000_000;

/// Number of devices of the run, and of the workers and generations of its segments.
const DEVICES: u32 = 6;
const WORKERS: u32 = 3;
const GENERATIONS: u64 = 3;

/// Bytes that describe a spool and its damage. A missing byte counts as zero.
struct DamageScript<'a>(&'a [u8]);

impl DamageScript<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        let number = u16::from_be_bytes([self.byte(), self.byte()]);
        usize::from(number) % end.max(1)
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// The content of a frame of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Message(u32, u64, Vec<u8>),
    Outcome(u32, u64, Outcome),
    Event,
}

/// A segment before its damage.
#[derive(Debug, Clone, Default)]
struct Segment {
    frames: Vec<(Vec<u8>, Expected)>,
}

impl Segment {
    fn add(&mut self, record: &Record<'_>, expected: Expected) {
        let mut bytes = Vec::new();
        frame::write(record, &mut bytes);
        self.frames.push((bytes, expected));
    }

    fn bytes(&self) -> Vec<u8> {
        self.frames
            .iter()
            .flat_map(|(bytes, _)| bytes.iter().copied())
            .collect()
    }
}

/// The rows of a run: payload and outcome of each message, and the number of events.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rows {
    sends: BTreeMap<(u32, u64), (Vec<u8>, Outcome)>,
    events: u64,
}

/// Builds a spool from the script, damages it, and recovers it. Then compares the rows with
/// those before the damage.
///
/// # Panics
/// The rows differ.
pub fn check(script: &[u8]) {
    let mut script = DamageScript(script);
    let mut segments = write(&mut script);
    reorder(&mut script, &mut segments);
    let damaged = damage(&mut script, &segments);
    if segments.iter().zip(&damaged).any(is_forged) {
        return;
    }
    let expected = model(&segments, &damaged);
    let unread: usize = segments
        .iter()
        .zip(&damaged)
        .map(|(segment, bytes)| bytes.len() - before(segment, bytes).1)
        .sum();

    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::Folder(folder.path().join("logs"));
    let identity = Identity::new();
    let header = RunHeader::new(&store, identity.clone(), catalog(), KeepPayload::Full);
    let run = RunFolder::create(&store, &header).expect("a folder");
    let names: Vec<String> = (0..GENERATIONS)
        .flat_map(|generation| (0..WORKERS).map(move |w| segment_name(w, generation)))
        .collect();
    for (name, bytes) in names.iter().zip(&damaged) {
        fs::write(run.path().join(name), bytes).expect("a segment");
    }
    drop(run);

    let recovered = recover(&store).expect("a damaged segment is no error");
    assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
    let [recovered] = recovered.runs.as_slice() else {
        panic!("one run was left behind, not {}", recovered.runs.len());
    };
    let found = read(&store);
    assert_eq!(found, expected, "the rows before the damage");
    let unconfirmed = |rows: &Rows| {
        let open = rows.sends.values();
        open.filter(|(_, outcome)| *outcome == Outcome::Unconfirmed)
            .count()
    };
    assert_eq!(count(recovered.rows), expected.sends.len());
    assert_eq!(recovered.events, expected.events);
    assert_eq!(count(recovered.unconfirmed), unconfirmed(&expected));
    match &recovered.set_aside {
        None => assert_eq!(unread, 0),
        Some((bytes, aside)) => {
            assert_eq!(count(*bytes), unread);
            for ((name, bytes), segment) in names.iter().zip(&damaged).zip(&segments) {
                let kept = fs::read(aside.join(name)).ok();
                let is_whole = before(segment, bytes).1 == bytes.len();
                assert_eq!(kept.as_ref(), (!is_whole).then_some(bytes), "{name}");
            }
        }
    }
    let again = recover(&store).expect("nothing is left");
    assert!(again.runs.is_empty(), "a row is recovered once");
}

fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn catalog() -> RunCatalog {
    let template = |text| {
        Template::parse(text, &[Placeholder::Index, Placeholder::Device]).expect("a template")
    };
    RunCatalog {
        fleet: "f".into(),
        groups: vec![GroupEntry {
            name: "a".into(),
            plugin: "meter@0.1.0".into(),
            first: 0,
            count: DEVICES,
            device_ids: DeviceIds::FromTemplate(template("{index}")),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt".into(),
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: template("{device}"),
        }],
    }
}

/// Writes the segments of workers: messages, their outcomes and events, in several
/// generations.
fn write(script: &mut DamageScript<'_>) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut next = [0_u64; DEVICES as usize];
    let mut open: Vec<(u32, u64)> = Vec::new();
    for _ in 0..GENERATIONS {
        let mut here = vec![Segment::default(); WORKERS as usize];
        for _ in 0..script.byte() % 32 {
            let choice = script.byte();
            let device = u32::from(choice >> 2) % DEVICES;
            let own = |device: u32| (device % WORKERS) as usize;
            match choice & 3 {
                0 | 1 => {
                    let seq = next[device as usize];
                    next[device as usize] += 1;
                    let payload = vec![script.byte(); usize::from(script.byte() % 64)];
                    let row = MessageRow {
                        device,
                        seq,
                        copy: 0,
                        route: 0,
                        topic: None,
                        fault: None,
                        status: None,
                        scheduled_at: SEVEN,
                        payload: &payload,
                    };
                    let expected = Expected::Message(device, seq, payload.clone());
                    here[own(device)].add(&Record::Message(row), expected);
                    open.push((device, seq));
                }
                2 if !open.is_empty() => {
                    let (device, seq) = open.swap_remove(script.below(open.len()));
                    let outcome = match script.byte() % 3 {
                        0 => Outcome::Acked,
                        1 => Outcome::Failed,
                        _ => Outcome::Dropped,
                    };
                    let row = OutcomeRow {
                        device,
                        seq,
                        copy: 0,
                        attempt: 1,
                        outcome,
                        code: None,
                        error: Some("why"),
                        sent_at: Some(SEVEN),
                        acked_at: None,
                    };
                    let expected = Expected::Outcome(device, seq, outcome);
                    here[own(device)].add(&Record::Outcome(row), expected);
                }
                _ => {
                    let row = EventRow {
                        device,
                        at: SEVEN,
                        kind: EventKind::Status,
                        detail: Some("ok"),
                    };
                    here[own(device)].add(&Record::Event(row), Expected::Event);
                }
            }
        }
        segments.extend(here);
    }
    segments
}

/// Exchanges records within a segment, and whole segments.
fn reorder(script: &mut DamageScript<'_>, segments: &mut [Segment]) {
    for _ in 0..script.byte() % 4 {
        let (one, other) = (script.below(segments.len()), script.below(segments.len()));
        segments.swap(one, other);
    }
    for _ in 0..script.byte() % 4 {
        let place = script.below(segments.len());
        let frames = &mut segments[place].frames;
        if !frames.is_empty() {
            let (one, other) = (script.below(frames.len()), script.below(frames.len()));
            frames.swap(one, other);
        }
    }
}

/// Returns the bytes of the segments after the damage: cut, flipped, overwritten and appended
/// to.
fn damage(script: &mut DamageScript<'_>, segments: &[Segment]) -> Vec<Vec<u8>> {
    let mut damaged: Vec<Vec<u8>> = segments.iter().map(Segment::bytes).collect();
    for _ in 0..8 {
        if script.is_over() {
            break;
        }
        let place = script.below(damaged.len());
        let bytes = &mut damaged[place];
        let at = script.below(bytes.len() + 1);
        match script.byte() % 4 {
            0 => bytes.truncate(at),
            1 => {
                let bit = script.byte() % 8;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            2 => {
                let (value, length) = (script.byte(), usize::from(script.byte()));
                let overwritten = bytes.iter_mut().skip(at).take(length);
                overwritten.for_each(|byte| *byte = value);
            }
            _ => {
                let more = usize::from(script.byte());
                bytes.extend((0..more).map(|_| script.byte()));
            }
        }
    }
    damaged
}

/// Returns the frames of a segment that are before its damage, and their size in bytes.
fn before<'a>(segment: &'a Segment, damaged: &[u8]) -> (&'a [(Vec<u8>, Expected)], usize) {
    let whole = segment.bytes();
    let same = whole.iter().zip(damaged).take_while(|(a, b)| a == b);
    let same = same.count();
    let (mut frames, mut end) = (0, 0);
    for (bytes, _) in &segment.frames {
        if end + bytes.len() > same {
            break;
        }
        end += bytes.len();
        frames += 1;
    }
    (&segment.frames[..frames], end)
}

/// Returns whether damage has made a record with the right checksum. A fuzzer finds such
/// bytes, and no reader can distinguish them from a written record.
fn is_forged((segment, damaged): (&Segment, &Vec<u8>)) -> bool {
    let after = &damaged[before(segment, damaged).1..];
    frame::Records::from_disk(after).next().is_some()
}

/// Returns the rows that are before the damage. A message has its outcome if the outcome
/// follows it in the order of the files.
fn model(segments: &[Segment], damaged: &[Vec<u8>]) -> Rows {
    let mut rows = Rows::default();
    for (segment, bytes) in segments.iter().zip(damaged) {
        for (_, expected) in before(segment, bytes).0 {
            match expected {
                Expected::Message(device, seq, payload) => {
                    let row = (payload.clone(), Outcome::Unconfirmed);
                    rows.sends.insert((*device, *seq), row);
                }
                Expected::Outcome(device, seq, outcome) => {
                    if let Some(row) = rows.sends.get_mut(&(*device, *seq)) {
                        row.1 = *outcome;
                    }
                }
                Expected::Event => rows.events += 1,
            }
        }
    }
    rows
}

/// Reads all rows of the store.
fn read(store: &Store) -> Rows {
    let Store::Folder(folder) = store else {
        unreachable!("the spool is that of a folder");
    };
    let mut rows = Rows::default();
    // No record was left for a table.
    if !folder.exists() {
        return rows;
    }
    let reader = StoreReader::open(store).expect("a store");
    for table in [LogTable::Sends, LogTable::Events] {
        for found in reader.files(table).expect("its files") {
            add(&folder.join(&found.key), table, &mut rows);
        }
    }
    rows
}

fn add(file: &Path, table: LogTable, rows: &mut Rows) {
    let file = fs::File::open(file).expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a whole file");
    for batch in builder.build().expect("a reader") {
        let batch = batch.expect("rows");
        if table == LogTable::Events {
            rows.events += u64::try_from(batch.num_rows()).expect("a few rows");
            continue;
        }
        let column = |name: &str| batch.column_by_name(name).expect("a column").clone();
        let (devices, outcomes) = (column("device_id"), column("outcome"));
        let (texts, bytes) = (column("payload"), column("payload_bin"));
        let seqs = column("seq");
        for place in 0..batch.num_rows() {
            let text =
                |column: &arrow_array::ArrayRef| column.as_string::<i32>().value(place).to_owned();
            let outcome = match text(&outcomes).as_str() {
                "acked" => Outcome::Acked,
                "failed" => Outcome::Failed,
                "dropped" => Outcome::Dropped,
                "unconfirmed" => Outcome::Unconfirmed,
                other => panic!("nobody wrote the outcome {other}"),
            };
            let payload = match texts.is_valid(place) {
                true => text(&texts).into_bytes(),
                false => bytes.as_binary::<i32>().value(place).to_vec(),
            };
            let device = text(&devices).parse().expect("a device's id");
            let seq = seqs.as_primitive::<Int64Type>().value(place);
            let key = (device, u64::try_from(seq).expect("a number"));
            let doubled = rows.sends.insert(key, (payload, outcome));
            assert!(doubled.is_none(), "a row is there once: {key:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_damage_keeps_every_row_before_it_and_invents_none(
            script in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            check(&script);
        }
    }

    /// Checks that scripts describe messages, outcomes, damage and reordering, so that the
    /// property above is not empty.
    #[test]
    fn scripts_make_messages_outcomes_damage_and_order() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let scripts = prop::collection::vec(any::<u8>(), 0..400);
        let (mut rows, mut confirmed, mut cut, mut moved) = (0, 0, 0, 0);
        for _ in 0..100 {
            let bytes = scripts.new_tree(&mut runner).unwrap().current();
            let mut script = DamageScript(&bytes);
            let mut segments = write(&mut script);
            let order: Vec<Vec<u8>> = segments.iter().map(Segment::bytes).collect();
            reorder(&mut script, &mut segments);
            moved += usize::from(
                order.iter().ne(segments
                    .iter()
                    .map(Segment::bytes)
                    .collect::<Vec<_>>()
                    .iter()),
            );
            let damaged = damage(&mut script, &segments);
            let model = model(&segments, &damaged);
            rows += model.sends.len();
            confirmed += model
                .sends
                .values()
                .filter(|(_, outcome)| *outcome != Outcome::Unconfirmed)
                .count();
            cut += usize::from(
                segments
                    .iter()
                    .zip(&damaged)
                    .any(|(segment, bytes)| segment.bytes() != *bytes),
            );
        }
        assert!(
            rows > 500 && confirmed > 100 && cut > 30 && moved > 20,
            "{rows} {confirmed} {cut} {moved}"
        );
    }

    #[test]
    fn kept_inputs_of_the_fuzzer_are_recovered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/seeds/spool");
        let inputs: Vec<_> = fs::read_dir(folder).unwrap().collect();
        assert!(!inputs.is_empty());
        for input in inputs {
            check(&fs::read(input.unwrap().path()).unwrap());
        }
    }
}
