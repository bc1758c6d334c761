//! Writes a send log in a folder with made-up messages and outcomes.

use std::path::Path;
use std::time::{Duration, Instant};

use mockfleet_config::{ByteSize, KeepPayload, Log, Placeholder, SpoolFull, Store, Template};
use mockfleet_sendlog::{
    Appender, DeviceIds, GroupEntry, Identity, MessageRow, Outcome, OutcomeRow, RouteEntry,
    RunCatalog, SendLog,
};

const DEVICES: u32 = 10_000;
/// 2026-11-24T07:00:00Z
const START: i64 = 1_795_503_600_000_000;

/// Returns readings of devices, 188 bytes of JSON each.
pub(crate) fn payloads() -> Vec<String> {
    (0..10_007).map(payload).collect()
}

fn payload(n: u32) -> String {
    let noise = n.wrapping_mul(2_654_435_761);
    let mut text = format!(
        "{{\"device\":\"thermometer-{:05}\",\"uptime_ms\":{},\"temperature\":{}.{:02},\"humidity\":{}.{:01},\"battery\":{}.{:02},\"note\":\"",
        n % DEVICES,
        u64::from(n) * 1000,
        18 + noise % 8,
        noise / 8 % 100,
        40 + noise / 800 % 20,
        noise / 16_000 % 10,
        50 + noise / 160_000 % 50,
        noise / 13 % 100,
    );
    while text.len() < 186 {
        text.push(char::from(b'a' + u8::try_from(noise % 7).expect("small")));
    }
    text.push_str("\"}");
    text
}

/// Opens a log in `folder/logs`.
pub(crate) fn open(folder: &Path, payload: KeepPayload) -> SendLog {
    open_rolling(folder, payload, 128 << 20, Duration::from_secs(60))
}

/// Opens a log in `folder/logs` whose files do not end before the log is closed.
pub(crate) fn open_endless(folder: &Path, payload: KeepPayload) -> SendLog {
    open_rolling(folder, payload, 1 << 40, Duration::from_secs(3_600))
}

fn open_rolling(folder: &Path, payload: KeepPayload, size: u64, every: Duration) -> SendLog {
    let log = Log {
        store: Some(Store::Folder(folder.join("logs"))),
        payload,
        roll_size: ByteSize::new(size),
        roll_every: every,
        sync: Duration::from_secs(1),
        spool_limit: ByteSize::new(8 << 30),
        spool_full: SpoolFull::Pause,
        retention: None,
    };
    SendLog::open(&log, Identity::new(), directory()).expect("a log")
}

fn directory() -> RunCatalog {
    let template = |text: &str| {
        let names = [Placeholder::Device, Placeholder::Group, Placeholder::Index];
        Template::parse(text, &names).expect("a template")
    };
    RunCatalog {
        fleet: "bench".into(),
        groups: vec![GroupEntry {
            name: "thermometer".into(),
            plugin: "thermometer@0.1.0".into(),
            first: 0,
            count: DEVICES,
            device_ids: DeviceIds::FromTemplate(template("{group}-{index:05}")),
        }],
        routes: vec![RouteEntry {
            channel: "telemetry".into(),
            protocol: "mqtt".into(),
            destination: "mqtt://127.0.0.1:1883".into(),
            method: None,
            topic: template("site/{group}/{device}/telemetry"),
        }],
    }
}

/// Appends this number of messages with their outcomes, as fast as the log takes them.
pub(crate) fn append_all(log: &SendLog, rows: u32) {
    let payloads = payloads();
    let mut appender = log.appender();
    for n in 0..rows {
        while n % 100 == 0 && appender.is_full() {
            std::thread::yield_now();
        }
        append(&mut appender, n, &payloads);
        if n % 100 == 99 {
            appender.flush(Instant::now());
        }
    }
    appender.finish();
}

/// Appends message number `n` and its outcome.
pub(crate) fn append(appender: &mut Appender, n: u32, payloads: &[String]) {
    let at = START + i64::from(n) * 100;
    let seq = u64::from(n / DEVICES);
    let device = n % DEVICES;
    let place = usize::try_from(n).expect("64 bits") % payloads.len();
    let payload = payloads.get(place).expect("a payload").as_bytes();
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
        sent_at: Some(at + 150),
        acked_at: Some(at + 1_200 + i64::from(n % 97)),
    });
}
