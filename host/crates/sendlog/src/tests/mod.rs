//! What a user may rely on: every appended row is in a file, once, in its table and
//! hour, and readable.

mod recovery;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use mockfleet_config::{ByteSize, Fleet, KeepPayload, SpoolFull, Store};

const HOUR: i64 = 3_600_000_000;
/// 2026-11-24T07:00:00Z
const SEVEN: i64 = 1_795_503_600_000_000;

fn log(folder: &Path) -> Log {
    Log {
        store: Some(Store::Folder(folder.to_owned())),
        payload: KeepPayload::Full,
        roll_size: ByteSize::new(128 << 20),
        roll_every: Duration::from_secs(60),
        sync: Duration::from_secs(1),
        spool_limit: ByteSize::new(1 << 30),
        spool_full: SpoolFull::Pause,
        retention: None,
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
    let mockfleet_config::Protocol::Mqtt(mqtt) = &fleet.plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    Directory {
        fleet: "f".into(),
        groups: vec![GroupEntry {
            name: "a".into(),
            plugin: "meter@0.1.0".into(),
            first: 0,
            count: 3,
            device_ids: DeviceIds::Made(fleet.plan.groups[0].device_id.clone()),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt".into(),
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: mqtt.channels["telemetry"].topic.clone(),
        }],
    }
}

/// Closes a log of which nothing may be missing.
fn closed(log: SendLog) -> Closed {
    let closed = log.close(|_| {});
    assert!(closed.error.is_none(), "{:?}", closed.error);
    closed
}

/// A message and its confirmation.
fn append(appender: &mut Appender, seq: u64, at: i64, payload: &[u8]) {
    let device = u32::try_from(seq % 3).unwrap();
    appender.message(&MessageRow {
        device,
        seq,
        copy: 0,
        topic: None,
        route: 0,
        fault: None,
        status: Some("ok"),
        scheduled_at: at,
        payload,
    });
    appender.outcome(&OutcomeRow {
        device,
        seq,
        copy: 0,
        attempt: 1,
        outcome: Outcome::Acked,
        code: None,
        error: None,
        sent_at: Some(at + 10),
        acked_at: Some(at + 1_510),
    });
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
fn rows_of_many_hours_are_written_a_few_hours_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let open = SendLog::open(&log(&store), Identity::new(), directory()).unwrap();
    let mut appender = open.appender();
    // A month, four messages an hour, by a clock as fast as it goes.
    for seq in 0..4 * 720_u64 {
        let at = SEVEN + i64::try_from(seq / 4).unwrap() * HOUR;
        append(&mut appender, seq, at, b"{}");
    }
    // One that comes after its hour has long been closed.
    append(&mut appender, 4 * 720, SEVEN, b"{}");
    appender.turn(Instant::now());
    appender.finish();
    let closed = closed(open);
    assert_eq!((closed.rows, closed.files), (4 * 720 + 1, 721));
    let of_hours: usize = files(&store.join("sends"))
        .iter()
        .map(|file| rows(file))
        .sum();
    assert_eq!(of_hours, 4 * 720 + 1);
}

#[test]
fn every_row_is_in_a_file_of_its_table_and_hour() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let identity = Identity::new();
    let open = SendLog::open(&log(&store), identity.clone(), directory()).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..4_u64 {
            let mut appender = open.appender();
            scope.spawn(move || {
                for seq in 0..10_000_u64 {
                    let at = SEVEN + i64::try_from(worker % 2).unwrap() * HOUR;
                    append(&mut appender, worker * 10_000 + seq, at, b"{\"t\":21.5}");
                    appender.turn(Instant::now());
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
    let closed = closed(open);
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
    let mut seq = 0;
    while open.progress().files < 2 {
        let payload: Vec<u8> = (0..1_000)
            .map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise.to_be_bytes()[0]
            })
            .collect();
        append(&mut appender, seq, SEVEN, &payload);
        appender.turn(Instant::now());
        seq += 1;
    }
    append(&mut appender, seq, SEVEN, b"the last");
    appender.finish();
    let closed = closed(open);
    assert_eq!(closed.rows, seq + 1);
    assert!(closed.files > 2, "{} files", closed.files);
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
    assert_eq!(spans.last().unwrap().1, i64::try_from(seq).unwrap());
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

#[test]
fn a_spool_over_its_limit_holds_up_or_drops_as_asked() {
    for policy in [SpoolFull::Pause, SpoolFull::Drop] {
        let folder = tempfile::tempdir().unwrap();
        let log = Log {
            spool_full: policy,
            spool_limit: ByteSize::new(100_000),
            ..log(folder.path())
        };
        let open = SendLog::open(&log, Identity::new(), directory()).unwrap();
        let mut appender = open.appender();
        let mut seq = 0;
        let is_over = |appender: &Appender| match policy {
            SpoolFull::Pause => appender.is_full(),
            SpoolFull::Drop => open.progress().lost > 0,
        };
        while !is_over(&appender) {
            append(&mut appender, seq, SEVEN, &[b'x'; 1000]);
            appender.turn(Instant::now());
            seq += 1;
        }
        appender.finish();
        let closed = closed(open);
        assert_eq!(closed.rows + closed.lost, seq);
        assert_eq!(closed.lost > 0, policy == SpoolFull::Drop);
        assert_eq!(closed.events, u64::from(policy == SpoolFull::Drop));
    }
}

/// Appends a message of device 1 that went wrong, or that a fault touched.
fn append_trouble(appender: &mut Appender, seq: u64, at: i64, outcome: Outcome, why: &str) {
    let injected = why.starts_with("injected fault: ");
    appender.message(&MessageRow {
        device: 1,
        seq,
        copy: 0,
        topic: None,
        route: 0,
        fault: injected.then_some("corrupt+delay 2s"),
        status: None,
        scheduled_at: at,
        payload: b"x",
    });
    let sent = matches!(outcome, Outcome::Acked | Outcome::Failed);
    appender.outcome(&OutcomeRow {
        device: 1,
        seq,
        copy: 0,
        attempt: 1,
        outcome,
        code: None,
        error: Some(why),
        sent_at: sent.then_some(at + 2_000_000),
        acked_at: None,
    });
}

#[test]
fn a_survey_has_every_row_in_its_moment_and_tells_faults_from_losses() {
    const ROWS: u64 = 220_000;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let identity = Identity::new();
    let open = SendLog::open(&log(&store), identity.clone(), directory()).unwrap();
    let mut appender = open.appender();
    // Two hours, and so two files; the first has more than one row group.
    let at = |seq: u64| SEVEN + i64::try_from(seq).unwrap() * 30_000;
    for seq in 0..ROWS {
        match seq % 10_000 {
            5 => append_trouble(&mut appender, seq, at(seq), Outcome::Failed, "refused"),
            6 => {
                let why = "injected fault: drop";
                append_trouble(&mut appender, seq, at(seq), Outcome::Dropped, why);
            }
            _ => append(&mut appender, seq, at(seq), b"x"),
        }
        if seq % 100 == 0 {
            appender.turn(Instant::now());
        }
    }
    appender.event(&EventRow {
        device: 2,
        at: at(100_000),
        kind: EventKind::Missed,
        detail: Some("7 ticks: the device was behind"),
    });
    appender.finish();
    closed(open);
    let store = Store::Folder(store);
    assert_eq!(runs(&store).unwrap(), std::slice::from_ref(&identity.run));
    let read = std::sync::atomic::AtomicU64::new(0);
    let survey = survey(&store, &identity.run, true, |done, all| {
        assert_eq!(all, ROWS + 1);
        read.fetch_max(done, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(read.into_inner(), ROWS + 1);
    assert!(survey.aside.is_empty());
    assert_eq!((survey.rows, survey.events), (ROWS, 1));
    assert_eq!((survey.start, survey.end), (SEVEN, at(ROWS - 1)));
    assert_eq!(survey.outcomes, [ROWS - 44, 0, 22, 0, 0, 22, 0]);
    assert_eq!(survey.causes.list, [("failed: refused".to_owned(), 22)]);
    // 6,600 s in no more than 600 moments.
    assert_eq!((survey.width, survey.slices.len()), (15_000_000, 440));
    let due: Vec<u64> = survey.slices.iter().map(|slice| slice.due).collect();
    assert!(due.iter().all(|due| *due == 500), "{due:?}");
    let missed: Vec<u64> = survey.slices.iter().map(|slice| slice.missed).collect();
    assert_eq!((missed[200], missed.iter().sum::<u64>()), (7, 7));
    assert!(survey.slices.iter().all(|slice| slice.lag.is_some()));
    assert_eq!(survey.latency.count, ROWS - 44);
    assert_eq!(
        (survey.latency.quantiles[0], survey.latency.max),
        (1_500, 1_500)
    );
    let faults: Vec<(&String, u64)> = survey
        .faults
        .iter()
        .map(|(kind, times)| (kind, times.iter().sum()))
        .collect();
    assert_eq!(
        faults,
        [(&"corrupt".to_owned(), 22), (&"delay".to_owned(), 22)]
    );
    let worst: Vec<(&str, u64, u64, u64)> = survey
        .worst
        .iter()
        .map(|device| {
            (
                device.id.as_str(),
                device.missing(),
                device.late,
                device.missed,
            )
        })
        .collect();
    // What a fault has dropped is nobody's loss.
    assert_eq!(worst, [("a-00001", 22, 22, 0), ("a-00002", 0, 0, 7)]);
}
