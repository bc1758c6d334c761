//! Writes a small log: one group of three devices, with one message each.

use std::path::Path;
use std::time::{Duration, Instant};

use mockfleet_config::{ByteSize, KeepPayload, Log, Placeholder, SpoolFull, Store, Template};
use mockfleet_sendlog::{
    DeviceIds, GroupEntry, Identity, MessageRow, Outcome, OutcomeRow, RouteEntry, RunCatalog,
    SendLog,
};

pub(crate) type Failed = Box<dyn std::error::Error>;

/// Describes the log: a folder, and files of at most a minute.
fn options(folder: &Path) -> Log {
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

/// Describes one group of three devices and one route; rows refer to both by number.
fn catalog() -> Result<RunCatalog, Failed> {
    let template = |text| {
        let parsed = Template::parse(text, &[Placeholder::Index, Placeholder::Device]);
        parsed.map_err(|error| format!("{text}: {error:?}"))
    };
    Ok(RunCatalog {
        fleet: "example".into(),
        groups: vec![GroupEntry {
            name: "meters".into(),
            plugin: "meter@0.1.0".into(),
            first: 0,
            count: 3,
            device_ids: DeviceIds::FromTemplate(template("meter-{index}")?),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt".into(),
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: template("site/{device}")?,
        }],
    })
}

/// Appends one acknowledged message of each device, closes the log, and returns the number of rows.
pub(crate) fn write(folder: &Path, run: Identity) -> Result<u64, Failed> {
    let log = SendLog::open(&options(folder), run, catalog()?)?;
    let mut appender = log.appender();
    // 2026-11-24T07:00:00Z, in microseconds since 1970.
    let due = 1_795_503_600_000_000;
    for device in 0..3 {
        appender.append_message(&MessageRow {
            device,
            seq: 0,
            copy: 0,
            route: 0,
            topic: None,
            fault: None,
            status: Some("ok"),
            scheduled_at: due,
            payload: br#"{"celsius":21.5}"#,
        });
        // The message is in the spool before it leaves.
        appender.flush(Instant::now());
        appender.append_outcome(&OutcomeRow {
            device,
            seq: 0,
            copy: 0,
            attempt: 1,
            outcome: Outcome::Acked,
            code: None,
            error: None,
            sent_at: Some(due + 10),
            acked_at: Some(due + 1_510),
        });
    }
    appender.finish();
    let summary = log.close(|_| {});
    match summary.error {
        Some(error) => Err(error.into()),
        None => Ok(summary.counters.rows),
    }
}
