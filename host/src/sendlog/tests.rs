//! What a user may rely on: every appended row is in a file, once, in its table and
//! hour, and readable.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use crate::fleet::{ByteSize, Fleet, KeepPayload, Store};

const HOUR: i64 = 3_600_000_000;
/// 2026-11-24T07:00:00Z
const SEVEN: i64 = 1_795_503_600_000_000;

fn log(folder: &Path) -> Log {
    Log {
        store: Store::Folder(folder.to_owned()),
        payload: KeepPayload::Full,
        roll_size: ByteSize::new(128 << 20),
        roll_every: Duration::from_secs(60),
    }
}

/// Templates as a fleet file gives them.
fn directory() -> Directory {
    let text = r#"
[targets.b]
url = "mqtt://127.0.0.1"
[targets.b.channels]
telemetry = { topic = "site/{group}/{device}" }
[[groups]]
name = "a"
plugin = "builtin:meter"
count = 3
every = "1s"
"#;
    let fleet = Fleet::parse(text, "f.toml", Path::new("."), &[]).unwrap();
    let crate::fleet::Protocol::Mqtt(mqtt) = &fleet.plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    Directory {
        fleet: "f".into(),
        groups: vec![GroupEntry {
            name: "a".into(),
            plugin: "meter@0.1.0".into(),
            first: 0,
            count: 3,
            device_id: fleet.plan.groups[0].device_id.clone(),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt",
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: mqtt.channels["telemetry"].topic.clone(),
        }],
    }
}

fn row(seq: u64, at: i64, payload: &[u8]) -> SendRow<'_> {
    SendRow {
        device: u32::try_from(seq % 3).unwrap(),
        route: 0,
        seq,
        attempt: 1,
        outcome: Outcome::Acked,
        code: None,
        error: None,
        fault: None,
        status: Some("ok"),
        scheduled_at: at,
        sent_at: Some(at + 10),
        acked_at: Some(at + 1_510),
        payload,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn rows(file: &Path) -> usize {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap());
    let batches = builder.unwrap().build().unwrap();
    batches.map(|batch| batch.unwrap().num_rows()).sum()
}

#[test]
fn every_row_is_in_a_file_of_its_table_and_hour() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let identity = Identity::new();
    let open = SendLog::open(&log(&store), identity.clone(), directory()).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..4_i64 {
            let mut appender = open.appender();
            scope.spawn(move || {
                for seq in 0..10_000_u64 {
                    let at = SEVEN + (worker % 2) * HOUR;
                    appender.send(&row(seq, at, b"{\"t\":21.5}"));
                }
                appender.event(&EventRow {
                    device: 0,
                    at: SEVEN,
                    kind: EventKind::Born,
                    detail: None,
                });
                appender.finish();
            });
        }
    });
    let closed = open.close(|_| {}).unwrap();
    assert_eq!((closed.rows, closed.events, closed.files), (40_000, 4, 3));
    let files = files(&store);
    let shown: Vec<String> = files
        .iter()
        .map(|file| file.strip_prefix(&store).unwrap().display().to_string())
        .collect();
    let Identity { run, host } = identity;
    assert_eq!(
        shown[0],
        format!("events/dt=2026-11-24/hour=07/{host}-{run}-0-3.parquet")
    );
    assert!(shown[1].starts_with("sends/dt=2026-11-24/hour=07/"));
    assert!(shown[2].starts_with("sends/dt=2026-11-24/hour=08/"));
    let counts: Vec<usize> = files.iter().map(|file| rows(file)).collect();
    assert_eq!(counts, [4, 20_000, 20_000]);
    assert!(!store.join(".spool").exists());
    let first = read(&Store::Folder(store), &run, FIRST_ROWS).unwrap();
    assert_eq!(first.len(), 3);
    assert_eq!(first[0].device, "a-00000");
    assert_eq!(first[0].messages, first[0].acked);
    assert_eq!(first[0].latency_ms, Some(1.5));
    assert_eq!(first[0].status.as_deref(), Some("ok"));
    let all: u64 = first.iter().map(|row| row.messages).sum();
    assert_eq!(all, 40_000);
}

#[test]
fn files_roll_by_size_and_say_which_rows_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log(folder.path());
    log.roll_size = ByteSize::new(100_000);
    let open = SendLog::open(&log, Identity::new(), directory()).unwrap();
    let mut appender = open.appender();
    let mut noise = 7_u64;
    for seq in 0..2_000 {
        let payload: Vec<u8> = (0..1_000)
            .map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise.to_be_bytes()[0]
            })
            .collect();
        appender.send(&row(seq, SEVEN, &payload));
    }
    appender.finish();
    let closed = open.close(|_| {}).unwrap();
    assert!(closed.files > 1, "{} files", closed.files);
    let mut spans = Vec::new();
    for file in files(folder.path()) {
        let reader = SerializedFileReader::new(std::fs::File::open(&file).unwrap()).unwrap();
        let metadata = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap();
        let value = |key: &str| -> i64 {
            let pair = metadata.iter().find(|pair| pair.key == key).unwrap();
            pair.value.as_ref().unwrap().parse().unwrap()
        };
        assert_eq!(value("mockfleet.schema"), 1);
        spans.push((
            value("mockfleet.first_log_seq"),
            value("mockfleet.last_log_seq"),
        ));
    }
    spans.sort_unstable();
    assert_eq!(spans.first().unwrap().0, 0);
    assert_eq!(spans.last().unwrap().1, 1_999);
    assert!(spans.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
}

#[test]
fn a_store_that_cannot_be_written_is_refused_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let refused = SendLog::open(&log(&file), Identity::new(), directory());
    assert!(matches!(refused, Err(LogError::Store { .. })));
    let fresh = folder.path().join("fresh");
    let open = SendLog::open(&log(&fresh), Identity::new(), directory()).unwrap();
    assert!(fresh.join(".spool").exists());
    drop(open);
    assert!(!fresh.exists());
}
