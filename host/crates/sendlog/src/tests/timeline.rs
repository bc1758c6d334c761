//! Tests the timeline of a written log.

use std::sync::atomic::Ordering;
use std::time::Instant;

use mockfleet_config::Store;

use crate::format::identity::Identity;
use crate::format::record::{EventKind, EventRow, MessageRow, Outcome, OutcomeRow};
use crate::log::SendLog;
use crate::read::timeline::scan::{runs, timeline};
use crate::tests::support::{SEVEN, append, catalog, closed, log_config};
use crate::write::appender::Appender;

/// Appends a message of device 1 that failed, or that a fault applies to.
fn append_trouble(appender: &mut Appender, seq: u64, at: i64, outcome: Outcome, why: &str) {
    let injected = why.starts_with("injected fault: ");
    appender.append_message(&MessageRow {
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
    appender.append_outcome(&OutcomeRow {
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
fn timeline_has_every_row_in_its_bucket_and_splits_faults() {
    const ROWS: u64 = 220_000;
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let identity = Identity::new();
    let open = SendLog::open(&log_config(&store), identity.clone(), catalog()).unwrap();
    let mut appender = open.appender();
    // Two hours make two files; the first has more than one row group.
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
            appender.flush(Instant::now());
        }
    }
    appender.append_event(&EventRow {
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
    let series = timeline(&store, &identity.run, true, |done, all| {
        assert_eq!(all, ROWS + 1);
        read.fetch_max(done, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(read.into_inner(), ROWS + 1);
    assert!(series.skipped.is_empty());
    assert_eq!((series.rows, series.events), (ROWS, 1));
    assert_eq!((series.start, series.end), (SEVEN, at(ROWS - 1)));
    assert_eq!(series.outcomes, [ROWS - 44, 0, 22, 0, 0, 22, 0]);
    assert_eq!(series.causes.list, [("failed: refused".to_owned(), 22)]);
    // 6,600 s fit in at most 600 buckets.
    assert_eq!(
        (series.bucket_width, series.buckets.len()),
        (15_000_000, 440)
    );
    let due: Vec<u64> = series.buckets.iter().map(|bucket| bucket.due).collect();
    assert!(due.iter().all(|due| *due == 500), "{due:?}");
    let missed: Vec<u64> = series.buckets.iter().map(|bucket| bucket.missed).collect();
    assert_eq!((missed[200], missed.iter().sum::<u64>()), (7, 7));
    assert!(series.buckets.iter().all(|bucket| bucket.lag.is_some()));
    assert_eq!(series.latency.count, ROWS - 44);
    assert_eq!(
        (series.latency.percentiles[0], series.latency.max),
        (1_500, 1_500)
    );
    let faults: Vec<(&String, u64)> = series
        .faults
        .iter()
        .map(|(kind, times)| (kind, times.iter().sum()))
        .collect();
    assert_eq!(
        faults,
        [(&"corrupt".to_owned(), 22), (&"delay".to_owned(), 22)]
    );
    let worst: Vec<(&str, u64, u64, u64)> = series
        .worst
        .iter()
        .map(|device| {
            (
                device.id.as_str(),
                device.undelivered(),
                device.late,
                device.missed,
            )
        })
        .collect();
    // Messages that a fault dropped do not count as undelivered.
    assert_eq!(worst, [("a-00001", 22, 22, 0), ("a-00002", 0, 0, 7)]);
}
