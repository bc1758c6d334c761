//! Tests that every appended row is in one file, once.

use std::time::Instant;

use mockfleet_config::{ByteSize, Log, SpoolFull, Store};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::error::log_error::LogError;
use crate::format::identity::Identity;
use crate::format::record::{EventKind, EventRow};
use crate::log::SendLog;
use crate::read::outcome_counts::{FIRST_QUERY_ROWS, outcome_counts};
use crate::tests::support::{HOUR, SEVEN, append, catalog, closed, files, log_config, rows};
use crate::write::appender::Appender;

#[test]
fn rows_of_many_hours_are_written_a_few_hours_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let open = SendLog::open(&log_config(&store), Identity::new(), catalog()).unwrap();
    let mut appender = open.appender();
    // A month, four messages an hour, on a clock at full speed.
    for seq in 0..4 * 720_u64 {
        let at = SEVEN + i64::try_from(seq / 4).unwrap() * HOUR;
        append(&mut appender, seq, at, b"{}");
        appender.append_event(&EventRow {
            device: 0,
            at,
            kind: EventKind::Status,
            detail: None,
        });
    }
    // A message whose hour was closed long ago.
    append(&mut appender, 4 * 720, SEVEN, b"{}");
    appender.flush(Instant::now());
    appender.finish();
    let closed = closed(open);
    assert_eq!(
        (closed.counters.rows, closed.counters.files),
        (4 * 720 + 1, 721 + 720),
        "each hour of each table is one file, and the late message has one"
    );
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
    let open = SendLog::open(&log_config(&store), identity.clone(), catalog()).unwrap();
    std::thread::scope(|scope| {
        for worker in 0..4_u64 {
            let mut appender = open.appender();
            scope.spawn(move || {
                for seq in 0..10_000_u64 {
                    let at = SEVEN + i64::try_from(worker % 2).unwrap() * HOUR;
                    append(&mut appender, worker * 10_000 + seq, at, b"{\"t\":21.5}");
                    appender.flush(Instant::now());
                }
                appender.append_event(&EventRow {
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
    assert_eq!(
        (
            closed.counters.rows,
            closed.counters.events,
            closed.counters.files
        ),
        (40_000, 4, 3)
    );
    let files = files(&store);
    let display_name: Vec<String> = files
        .iter()
        .map(|file| file.strip_prefix(&store).unwrap().display().to_string())
        .collect();
    let Identity { run, host } = identity;
    assert_eq!(
        display_name[0],
        format!("events/dt=2026-11-24/hour=07/{host}-{run}-0-3.parquet")
    );
    assert!(display_name[1].starts_with("sends/dt=2026-11-24/hour=07/"));
    assert!(display_name[2].starts_with("sends/dt=2026-11-24/hour=08/"));
    let counts: Vec<usize> = files.iter().map(|file| rows(file)).collect();
    assert_eq!(counts, [4, 20_000, 20_000]);
    assert!(!store.join(".spool").exists());
    let first = outcome_counts(&Store::Folder(store), &run, FIRST_QUERY_ROWS).unwrap();
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
    let mut log = log_config(folder.path());
    log.roll_size = ByteSize::new(100_000);
    let open = SendLog::open(&log, Identity::new(), catalog()).unwrap();
    let mut appender = open.appender();
    let mut noise = 7_u64;
    let mut seq = 0;
    while open.progress().counters.files < 2 {
        let payload: Vec<u8> = (0..1_000)
            .map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                noise.to_be_bytes()[0]
            })
            .collect();
        append(&mut appender, seq, SEVEN, &payload);
        appender.flush(Instant::now());
        seq += 1;
    }
    append(&mut appender, seq, SEVEN, b"the last");
    appender.finish();
    let closed = closed(open);
    assert_eq!(closed.counters.rows, seq + 1);
    assert!(closed.counters.files > 2, "{} files", closed.counters.files);
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
fn unwritable_store_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let refused = SendLog::open(&log_config(&file), Identity::new(), catalog());
    assert!(matches!(refused, Err(LogError::Store { .. })));
    let fresh = folder.path().join("fresh");
    let open = SendLog::open(&log_config(&fresh), Identity::new(), catalog()).unwrap();
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
            ..log_config(folder.path())
        };
        let open = SendLog::open(&log, Identity::new(), catalog()).unwrap();
        let mut appender = open.appender();
        let mut seq = 0;
        let is_over = |appender: &Appender| match policy {
            SpoolFull::Pause => appender.is_full(),
            SpoolFull::Drop => open.progress().counters.lost_rows > 0,
        };
        while !is_over(&appender) {
            append(&mut appender, seq, SEVEN, &[b'x'; 1000]);
            appender.flush(Instant::now());
            seq += 1;
        }
        appender.finish();
        let closed = closed(open);
        assert_eq!(closed.counters.rows + closed.counters.lost_rows, seq);
        assert_eq!(closed.counters.lost_rows > 0, policy == SpoolFull::Drop);
        assert_eq!(closed.counters.events, u64::from(policy == SpoolFull::Drop));
    }
}
