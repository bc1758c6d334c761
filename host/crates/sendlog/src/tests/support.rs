//! Builds logs, catalogs and rows for tests.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mockfleet_config::{ByteSize, Fleet, KeepPayload, Log, SpoolFull, Store};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::format::record::{MessageRow, Outcome, OutcomeRow};
use crate::format::run_catalog::{DeviceIds, GroupEntry, RouteEntry, RunCatalog};
use crate::log::{LogSummary, SendLog};
use crate::write::appender::Appender;

pub(crate) const HOUR: i64 = 3_600_000_000;
/// 2026-11-24T07:00:00Z
pub(crate) const SEVEN: i64 = 1_795_503_600_000_000;

pub(crate) fn log_config(folder: &Path) -> Log {
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

/// Returns a catalog with the templates of a fleet file.
pub(crate) fn catalog() -> RunCatalog {
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
    RunCatalog {
        fleet: "f".into(),
        groups: vec![GroupEntry {
            name: "a".into(),
            plugin: "meter@0.1.0".into(),
            first: 0,
            count: 3,
            device_ids: DeviceIds::FromTemplate(fleet.plan.groups[0].device_id.clone()),
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

/// Closes a log, and checks that it has every row.
pub(crate) fn closed(log: SendLog) -> LogSummary {
    let closed = log.close(|_| {});
    assert!(closed.error.is_none(), "{:?}", closed.error);
    closed
}

/// Appends a message and its acknowledgement.
pub(crate) fn append(appender: &mut Appender, seq: u64, at: i64, payload: &[u8]) {
    let device = u32::try_from(seq % 3).unwrap();
    appender.append_message(&MessageRow {
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
    appender.append_outcome(&OutcomeRow {
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

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
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

pub(crate) fn rows(file: &Path) -> usize {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap());
    let batches = builder.unwrap().build().unwrap();
    batches.map(|batch| batch.unwrap().num_rows()).sum()
}
