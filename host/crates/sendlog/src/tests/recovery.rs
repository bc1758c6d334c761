//! Tests the recovery of the spool of an ended process.

use std::sync::Arc;
use std::time::Instant;

use mockfleet_config::{KeepPayload, Store};

use crate::format::frame;
use crate::format::identity::Identity;
use crate::format::record::{MessageRow, Outcome, OutcomeRow, Record};
use crate::log::SendLog;
use crate::read::outcome_counts::outcome_counts;
use crate::spool::files::segment_name;
use crate::spool::folder::{RunFolder, RunHeader, spool_root};
use crate::tests::support::{SEVEN, append, catalog, closed, log_config};
use crate::write::columns::LabelResolver;
use crate::write::encoder::Encoder;
use crate::write::progress::SharedProgress;
use crate::write::recovery::{Recovered, recover};

/// Writes the spool of an ended process, from the bytes of its segments by worker and
/// generation.
fn spool_folders(store: &Store, segments: &[(u32, u64, Vec<u8>)]) -> Identity {
    let identity = Identity::new();
    let header = RunHeader::new(store, identity.clone(), catalog(), KeepPayload::Full);
    let folder = RunFolder::create(store, &header).unwrap();
    for (worker, generation, bytes) in segments {
        let name = segment_name(*worker, *generation);
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    identity
}

fn message(segment: &mut Vec<u8>, device: u32, seq: u64) {
    let row = MessageRow {
        device,
        seq,
        copy: 0,
        topic: None,
        route: 0,
        fault: None,
        status: None,
        scheduled_at: SEVEN,
        payload: b"{}",
    };
    frame::write(&Record::Message(row), segment);
}

fn acked(segment: &mut Vec<u8>, device: u32, seq: u64) {
    let end = OutcomeRow {
        device,
        seq,
        copy: 0,
        attempt: 1,
        outcome: Outcome::Acked,
        code: None,
        error: None,
        sent_at: Some(SEVEN),
        acked_at: Some(SEVEN + 5),
    };
    frame::write(&Record::Outcome(end), segment);
}

#[test]
fn what_a_dead_process_left_behind_becomes_rows_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Folder(folder.path().join("logs"));
    let mut first = Vec::new();
    for seq in 0..10 {
        message(&mut first, 0, seq);
        if seq != 9 {
            acked(&mut first, 0, seq);
        }
    }
    // Open when its generation ended, acknowledged in the next one.
    let mut second = Vec::new();
    acked(&mut second, 0, 9);
    message(&mut second, 0, 10);
    let identity = spool_folders(&store, &[(0, 0, first), (0, 1, second)]);
    // The recovery itself ended early once.
    let run = spool_root(&store).join(&identity.run);
    std::fs::write(run.join("000007.json.draft"), b"{\"gen").unwrap();
    let recovered = recover(&store).unwrap();
    assert_eq!(recovered.len(), 1);
    let Recovered {
        rows,
        unconfirmed,
        files,
        ..
    } = recovered[0];
    assert_eq!((rows, unconfirmed, files), (11, 1, 1));
    let counts = outcome_counts(&store, &identity.run, 5).unwrap();
    assert_eq!((counts[0].messages, counts[0].acked), (11, 10));
    assert_eq!(recover(&store).unwrap(), []);
    assert!(!spool_root(&store).exists());
}

#[test]
fn generation_in_upload_is_delivered_and_not_encoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Folder(folder.path().join("logs"));
    let mut segment = Vec::new();
    message(&mut segment, 1, 0);
    acked(&mut segment, 1, 0);
    message(&mut segment, 1, 1);
    let header = RunHeader::new(&store, Identity::new(), catalog(), KeepPayload::Full);
    let run = RunFolder::create(&store, &header).unwrap();
    let words = LabelResolver {
        identity: header.identity.clone(),
        catalog: header.catalog.clone(),
        payload: header.payload,
    };
    let shared = Arc::new(SharedProgress::default());
    let mut encoder = Encoder::new(words, run.path().into(), shared);
    encoder.take(&segment).unwrap();
    encoder.commit().unwrap();
    // The process ended after the commit: the segment still exists, and the next one has
    // begun.
    std::fs::write(run.path().join(segment_name(0, 0)), &segment).unwrap();
    let mut next = Vec::new();
    acked(&mut next, 1, 1);
    std::fs::write(run.path().join(segment_name(0, 1)), next).unwrap();
    drop(run);
    let recovered = recover(&store).unwrap();
    // One of them was encoded by the ended process, and no store had it.
    assert_eq!((recovered[0].rows, recovered[0].files), (2, 2));
    let counts = outcome_counts(&store, &header.identity.run, 5).unwrap();
    assert_eq!((counts[0].messages, counts[0].acked), (2, 2));
}

#[test]
fn what_cannot_be_read_is_set_aside_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Folder(folder.path().join("logs"));
    let mut segment = Vec::new();
    for seq in 0..3 {
        message(&mut segment, 0, seq);
        acked(&mut segment, 0, seq);
    }
    let whole = segment.len();
    message(&mut segment, 0, 3);
    segment.truncate(segment.len() - 2);
    spool_folders(&store, &[(0, 0, segment.clone())]);
    let recovered = recover(&store).unwrap();
    assert_eq!(recovered[0].rows, 3);
    let (bytes, aside) = recovered[0].set_aside.clone().unwrap();
    assert_eq!(bytes, u64::try_from(segment.len() - whole).unwrap());
    assert_eq!(
        std::fs::read(aside.join(segment_name(0, 0))).unwrap(),
        segment
    );
}

#[test]
fn a_run_under_way_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("logs");
    let open = SendLog::open(&log_config(&store), Identity::new(), catalog()).unwrap();
    let mut appender = open.appender();
    append(&mut appender, 0, SEVEN, b"{}");
    appender.flush(Instant::now());
    assert_eq!(recover(&Store::Folder(store)).unwrap(), []);
    appender.finish();
    assert_eq!(closed(open).counters.rows, 1);
}

#[test]
fn a_spool_of_another_version_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Folder(folder.path().join("logs"));
    let identity = spool_folders(&store, &[(0, 0, vec![1, 2, 3])]);
    let header = spool_root(&store).join(&identity.run).join("run.json");
    let text = std::fs::read_to_string(&header).unwrap();
    std::fs::write(&header, text.replace("\"version\": 3", "\"version\": 9")).unwrap();
    let refused = recover(&store).unwrap_err().to_string();
    assert!(refused.contains("version 9"), "{refused}");
    assert!(header.exists());
}
