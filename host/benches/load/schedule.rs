//! Measures devices on schedule: 10,000 with a connection and a message a second each.
//!
//! The baseline is the same number of bare tokio timers that write one constant packet. The
//! figures are the share of ticks that ran, the lag and the memory. A further figure is the
//! time until all devices were sending. The benchmark `million` measures a million devices
//! over 64 connections.
//!
//! ```text
//! cargo bench -- schedule [--rounds 3 --seconds 30] [--short]
//! cargo bench -- million [--seconds 90]
//! ```
//!
//! Needs mosquitto (`apt-get install mosquitto`).

use std::path::Path;

use crate::measure::{
    self, Bar, Bench, Case, Fleet, Mosquitto, bare, counted, float, in_turn, load, option, sendlog,
    short,
};
use serde_json::{Value, json};

pub(crate) fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Mosquitto::start(folder.path());
    connected(&broker, folder.path());
}

/// The figures of one round, of a fleet or of the bare timers.
struct Kept {
    /// Ticks that ran, as a percentage of the due ticks.
    kept: f64,
    lag_p99_ms: f64,
    peak_mib: f64,
    /// Seconds from the start of the process until the last device had sent.
    sending_s: f64,
    details: Value,
}

fn connected(broker: &Mosquitto, folder: &Path) {
    let (rounds, seconds) = (option("--rounds", 3, 1), option("--seconds", 30, 3));
    let devices = option("--devices", 10_000, 200);
    let what = format!("{} devices × 1/s, a connection each", thousands(devices));
    let timers = "bare tokio timers, a constant payload, no log";
    let case = |figure: &str, unit| Case::new(format!("{what}: {figure}"), unit).against(timers);
    let mut kept = case("ticks that ran", "%")
        .counted_by("mosquitto")
        .bar(Bar::at_least(99.9));
    let mut lag = case("due to sent, p99", "ms").bar(Bar::beyond(10.0));
    let mut peak = case("memory at most", "MiB").bar(Bar::at_most(400.0).stretch(250.0));
    let usual = option("--connect-rate", 0, 0);
    let mut sending = case("process start to all sending", "s").bar(Bar::at_most(8.0).stretch(3.0));
    for round in 0..rounds {
        let (ours, bare) = in_turn(
            round,
            || fleet(broker, folder, devices, seconds, usual),
            || timers_of(broker, devices, seconds, usual),
        );
        let details = |a: &Kept, b: &Kept| json!({ "ours": a.details, "baseline": b.details });
        kept.add(ours.kept, bare.kept, details(&ours, &bare));
        lag.add(ours.lag_p99_ms, bare.lag_p99_ms, Value::Null);
        peak.add(ours.peak_mib, bare.peak_mib, Value::Null);
        sending.add(ours.sending_s, bare.sending_s, Value::Null);
    }
    let mut bench = Bench::new("schedule");
    for case in [&kept, &lag, &peak, &sending] {
        bench.add(case);
    }
    // Without `connect-rate`, the pace follows the broker. This case measures a fixed one.
    let fast = option("--fast", 8_000, 8_000);
    let name = format!("process start to all sending, connect-rate {fast}/s");
    let mut sending = case(&name, "s").bar(Bar::at_most(8.0).stretch(3.0));
    for round in 0..rounds {
        let seconds = option("--fast-seconds", 10, 3);
        let (ours, bare) = in_turn(
            round,
            || fleet(broker, folder, devices, seconds, fast),
            || timers_of(broker, devices, seconds, fast),
        );
        let details = json!({ "ours": ours.details, "baseline": bare.details });
        sending.add(ours.sending_s, bare.sending_s, details);
    }
    bench.add(&sending);
    bench.finish();
}

fn fleet(broker: &Mosquitto, folder: &Path, devices: u32, seconds: u32, rate: u32) -> Kept {
    let pace = match rate {
        0 => String::new(),
        rate => format!("connect-rate = \"{rate}/s\""),
    };
    let fleet = Fleet {
        url: broker.url(),
        target: &format!("qos = 1\n{pace}"),
        group: &format!("count = {devices}\nevery = \"1s\""),
        seconds,
        ..Fleet::default()
    };
    let (ran, counted) = broker.counting(|| fleet.run(folder));
    ran.must_match(counted);
    let (ticks, missed) = (float(ran.count("ticks")), float(ran.count("missed_ticks")));
    let log = folder.join("logs");
    let (sending, senders) = sendlog::all_sending(&log);
    let (connected, _) = sendlog::all_connected(&log);
    assert_eq!(senders, usize::try_from(devices).expect("64 bits"));
    let since = |at: i64| (at - ran.started) as f64 / 1e6;
    Kept {
        kept: 100.0 * ticks / (ticks + missed),
        lag_p99_ms: ran.figure("/lag_us/p99") / 1e3,
        peak_mib: float(ran.usage.peak) / 1024.0,
        sending_s: since(sending),
        details: json!({
            "counted": counted,
            "rows": ran.count("rows"),
            "missed": missed,
            "delay_us": ran.summary.get("delay_us"),
            "lag_us": ran.summary.get("lag_us"),
            "latency_us": ran.summary.get("latency_us"),
            "connected_s": since(connected),
            "sending_s": since(sending),
            "cpu_seconds": ran.usage.cpu,
        }),
    }
}

fn timers_of(broker: &Mosquitto, devices: u32, seconds: u32, rate: u32) -> Kept {
    // The pace of bare timers does not follow the broker.
    let rate = if rate == 0 { 8_000 } else { rate };
    let arguments = [
        ("--port", broker.port.into()),
        ("--qos", 1),
        ("--devices", devices.into()),
        ("--seconds", seconds.into()),
        ("--rate", rate.into()),
    ];
    let started = measure::now();
    let ((printed, usage), counted) = broker.counting(|| bare("on-schedule", &arguments));
    let figure = |pointer: &str| {
        let value = printed.pointer(pointer).and_then(Value::as_f64);
        value.expect("a figure")
    };
    let since = |at: f64| (at - started as f64) / 1e6;
    Kept {
        kept: 100.0 * figure("/sent") / (figure("/sent") + figure("/missed")),
        lag_p99_ms: figure("/lag_us/p99") / 1e3,
        peak_mib: float(usage.peak) / 1024.0,
        sending_s: since(figure("/sending")),
        details: json!({
            "counted": counted,
            "sent": printed.get("sent"),
            "acked": printed.get("acked"),
            "missed": printed.get("missed"),
            "lag_us": printed.get("lag_us"),
            "connected_s": since(figure("/connected")),
            "sending_s": since(figure("/sending")),
            "cpu_seconds": usage.cpu,
        }),
    }
}

/// Measures a million devices over 64 connections, each with a message a minute.
pub(crate) fn million() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let broker = &Mosquitto::start(folder);
    let (rounds, seconds) = (option("--rounds", 1, 1), option("--seconds", 90, 3));
    let devices = option("--devices", 1_000_000, 10_000);
    let every = if short() { "2s" } else { "1m" };
    let what = format!(
        "{} devices × 1/min, 64 connections, 1,000 a cell",
        thousands(devices)
    );
    let case = |figure: &str, unit| Case::new(format!("{what}: {figure}"), unit);
    let mut kept = case("ticks that ran", "%")
        .counted_by("mosquitto")
        .bar(Bar::at_least(99.9));
    let mut lag = case("due to sent, p99", "ms");
    let mut peak = case("memory at most", "MiB").bar(Bar::at_most(2048.0).stretch(1024.0));
    let mut cost = case("processor time a message", "µs").counted_by("mosquitto");
    for _ in 0..rounds {
        let fleet = Fleet {
            url: broker.url(),
            target: "qos = 1\nconnections = 64",
            // With 64 devices a cell, the cells would take half of the memory.
            group: &format!("count = {devices}\nevery = \"{every}\"\ndevices-per-cell = 1000"),
            seconds,
            ..Fleet::default()
        };
        let (ran, counts) = broker.sampling(|| fleet.run(folder));
        let counted = counted(&counts);
        ran.must_match(counted);
        cost.add_alone(load(&counts, &ran.usage, seconds).cpu, json!({}));
        let (ticks, missed) = (float(ran.count("ticks")), float(ran.count("missed_ticks")));
        let details = json!({
            "counted": counted,
            "rows": ran.count("rows"),
            "missed": missed,
            "lag_us": ran.summary.get("lag_us"),
            "delay_us": ran.summary.get("delay_us"),
            "cpu_seconds": ran.usage.cpu,
        });
        kept.add_alone(100.0 * ticks / (ticks + missed), details);
        lag.add_alone(ran.figure("/lag_us/p99") / 1e3, Value::Null);
        peak.add_alone(float(ran.usage.peak) / 1024.0, Value::Null);
    }
    let mut bench = Bench::new("million");
    for case in [&kept, &lag, &peak, &cost] {
        bench.add(case);
    }
    bench.finish();
}

/// Formats 10000 as 10,000.
fn thousands(count: u32) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
