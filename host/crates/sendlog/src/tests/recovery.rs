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
    assert_eq!(recovered.runs.len(), 1);
    let Recovered {
        rows,
        unconfirmed,
        files,
        ..
    } = recovered.runs[0];
    assert_eq!((rows, unconfirmed, files), (11, 1, 1));
    let counts = outcome_counts(&store, &identity.run, 5).unwrap();
    assert_eq!((counts[0].messages, counts[0].acked), (11, 10));
    assert_eq!(recover(&store).unwrap().runs, []);
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
    let mut encoder = Encoder::new(words, Arc::clone(run.handle()), shared);
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
    assert_eq!((recovered.runs[0].rows, recovered.runs[0].files), (2, 2));
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
    let recovered = &recovered.runs[0];
    assert_eq!(recovered.rows, 3);
    let (bytes, aside) = recovered.set_aside.clone().unwrap();
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
    assert_eq!(recover(&Store::Folder(store)).unwrap().runs, []);
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
    let refused = recover(&store).unwrap().refused[0].to_string();
    assert!(refused.contains("version 9"), "{refused}");
    assert!(header.exists());
}

/// Returns what a folder of files has, links as such: names and contents.
fn tree(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = std::fs::symlink_metadata(&path).unwrap();
        match about.is_dir() {
            true => found.extend(tree(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap_or_default())),
        }
    }
    found.sort();
    found
}

/// Changes the spool of an ended process, which has a finished file and a segment, and recovers
/// it. Returns the refusals. Nothing but the log itself may change.
fn refusals_of(change: impl FnOnce(&std::path::Path, &Identity)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    std::fs::create_dir(&victim).unwrap();
    std::fs::write(victim.join(".bashrc"), "theirs").unwrap();
    let logs = folder.path().join("logs");
    let store = Store::Folder(logs.clone());
    let mut segment = Vec::new();
    message(&mut segment, 0, 0);
    let identity = spool_folders(&store, &[(0, 0, segment)]);
    let run = spool_root(&store).join(&identity.run);
    std::fs::write(run.join("sends-000001-1.part"), "rows").unwrap();
    change(&run, &identity);
    let before = tree(folder.path());
    let recovery = recover(&store).unwrap();
    assert_eq!(recovery.runs, []);
    assert_eq!(tree(folder.path()), before, "nothing is changed");
    let store = store_refusals(&store, &victim);
    assert_eq!(store, "theirs");
    recovery.refused.iter().map(ToString::to_string).collect()
}

/// Lists, reads and prunes a store that was refused. Returns the content of a file beside it.
fn store_refusals(store: &Store, victim: &std::path::Path) -> String {
    for left in crate::spool::spool_status::spool_folders(store) {
        let _ = left.delete();
    }
    std::fs::read_to_string(victim.join(".bashrc")).unwrap()
}

fn manifest(part: &str, key: &str) -> String {
    let files = serde_json::json!([{ "part": part, "key": key, "table": "sends", "rows": 1 }]);
    serde_json::json!({ "generation": 1, "files": files }).to_string()
}

#[test]
fn manifest_cannot_name_files_outside_of_its_log() {
    let own = |identity: &Identity| {
        let Identity { run, host } = identity;
        format!("sends/dt=2026-11-24/hour=07/{host}-{run}-0-0.parquet")
    };
    let part = "sends-000001-1.part";
    for (part, key) in [
        (part, Some("../victim/.bashrc")),
        (part, Some("/etc/passwd")),
        (part, Some("sends/dt=2026-11-24/hour=07/x.parquet")),
        (
            part,
            Some("sends/../../victim/dt=2026-11-24/hour=07/x.parquet"),
        ),
        ("/etc/passwd", None),
        ("../../../victim/.bashrc", None),
        ("run.json", None),
    ] {
        let refused = refusals_of(|run, identity| {
            let key = key.map_or_else(|| own(identity), str::to_owned);
            std::fs::write(run.join("000001.json"), manifest(part, &key)).unwrap();
        });
        let [refused] = refused.as_slice() else {
            panic!("{part} {key:?}: {refused:?}");
        };
        assert!(
            refused.contains("000001.json is not of mockfleet"),
            "{refused}"
        );
        assert!(
            refused.contains("if it is not yours, delete it"),
            "{refused}"
        );
    }
    let other = refusals_of(|run, _| {
        let key = own(&Identity::new());
        std::fs::write(run.join("000001.json"), manifest(part, &key)).unwrap();
    });
    assert!(other[0].contains("is a file of another run"), "{other:?}");
}

#[test]
fn header_cannot_name_another_run() {
    for name in ["../../x", "01M87Y4E6N4V0JX7CWRZ4Z7D3Z"] {
        let refused = refusals_of(|run, identity| {
            let header = run.join("run.json");
            let text = std::fs::read_to_string(&header).unwrap();
            std::fs::write(&header, text.replace(&identity.run, name)).unwrap();
        });
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains(name), "{refused:?}");
    }
}

#[test]
fn links_in_a_spool_are_not_followed() {
    use std::os::unix::fs::symlink;
    for name in [
        "sends-000001-2.part",
        "0000-000001.seg",
        "x",
        "lock",
        "run.json",
    ] {
        let refused = refusals_of(|run, _| {
            let _ = std::fs::remove_file(run.join(name));
            symlink("../../../victim/.bashrc", run.join(name)).unwrap();
        });
        assert_eq!(refused.len(), 1, "{name}: {refused:?}");
        assert!(refused[0].contains(name), "{refused:?}");
    }
    let refused = refusals_of(|run, identity| {
        let elsewhere = run.parent().unwrap().parent().unwrap().join("elsewhere");
        std::fs::rename(run, &elsewhere).unwrap();
        symlink(elsewhere, run.parent().unwrap().join(&identity.run)).unwrap();
    });
    assert!(refused[0].contains("it is a link"), "{refused:?}");
}

#[test]
fn folders_of_a_log_that_are_links_receive_no_file() {
    use std::os::unix::fs::symlink;
    for link in ["sends", ".spool/damaged"] {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::create_dir(&victim).unwrap();
        let store = Store::Folder(folder.path().join("logs"));
        let mut segment = Vec::new();
        message(&mut segment, 0, 0);
        segment.push(0);
        spool_folders(&store, &[(0, 0, segment)]);
        symlink(&victim, folder.path().join("logs").join(link)).unwrap();
        let refused = match recover(&store) {
            Ok(recovery) => recovery.refused[0].to_string(),
            Err(error) => error.to_string(),
        };
        assert!(refused.contains("it is a link"), "{link}: {refused}");
        assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);
    }
}

#[test]
fn one_spool_that_cannot_be_used_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::Folder(folder.path().join("logs"));
    let mut segment = Vec::new();
    message(&mut segment, 0, 0);
    let bad = spool_folders(&store, &[(0, 0, segment.clone())]);
    let good = spool_folders(&store, &[(0, 0, segment)]);
    std::fs::write(spool_root(&store).join(&bad.run).join("000001.json"), "{").unwrap();
    let recovery = recover(&store).unwrap();
    assert_eq!(recovery.runs[0].run, good.run);
    assert!(recovery.refused[0].to_string().contains(&bad.run));
}
