//! Measures memory by devices, and throughput and processor time by workers.
//!
//! The broker uses the same cores. Throughput is therefore also measured against a sink that
//! only counts, with as many threads as there are workers, and for the workers alone. Rates are
//! those of the steady load, counted at the receiver. These call, route and count devices without network
//! and log. The baseline is scaled in the same way.
//!
//! ```text
//! cargo bench -- scale [--rounds 3 --seconds 10] [--short]
//! ```
//!
//! Needs mosquitto (`apt-get install mosquitto`).

use std::path::Path;
use std::time::Instant;

use super::flat_out::{FlatOut, LOGGED, Receiver, UNLOGGED};
use crate::measure::guests::{Guests, plugin};
use crate::measure::{Bar, Bench, Case, Fleet, Load, Mosquitto, float, in_turn, option, pick};
use mockfleet_engine::{RunOptions, prepare};
use mockfleet_plugin::{Console, Engine, Plugin};
use serde_json::{Value, json};

pub(crate) fn main() {
    let rounds = option("--rounds", 3, 1);
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Mosquitto::start(folder.path());
    let mut bench = Bench::new("scale");
    memory(&mut bench, &broker, folder.path(), rounds);
    alone(&mut bench, rounds);
    workers(&mut bench, &broker, folder.path(), rounds);
    bench.finish();
}

const FLEET: &str = r#"
duration = "DURATION"
clock = { start = "2026-01-01T00:00:00Z", speed = "max" }
log.store = "none"
[targets.b]
url = "mqtt://127.0.0.1"
[targets.b.channels]
telemetry = { topic = "{device}" }
[[groups]]
name = "thermometer"
plugin = "builtin:thermometer"
count = 1000
every = "1s"
config = { size = 256 }
"#;

/// Measures the workers alone, on the run's own clock at full speed.
fn alone(bench: &mut Bench, rounds: u32) {
    let builtins = |name: &str| mockfleet_builtin::find(name).map_err(|error| error.to_string());
    let engine = Engine::new().expect("WebAssembly runs here");
    let engine = engine.with_builtins(builtins);
    let (plugin, console) = plugin(&engine);
    let ticks = option("--ticks", 4_000, 20);
    let what = "devices called, without network and log";
    let mut growth = Case::new(format!("{what}: 2 workers to 1"), "×")
        .against("bare cells, 2 threads to 1")
        .bar(Bar::at_least(1.7));
    let mut each =
        Case::new(format!("{what}, 1 worker"), "ticks/s").against("bare cells, 1 thread");
    let mut both =
        Case::new(format!("{what}, 2 workers"), "ticks/s").against("bare cells, 2 threads");
    for round in 0..rounds {
        let ours = |workers| called(&engine, &console, workers, ticks);
        let bare = |threads| cells(&plugin, &console, threads, ticks);
        let (one, bare_one) = in_turn(round, || ours(1), || bare(1));
        let (two, bare_two) = in_turn(round, || ours(2), || bare(2));
        growth.add(two / one, bare_two / bare_one, Value::Null);
        each.add(one, bare_one, Value::Null);
        both.add(two, bare_two, Value::Null);
    }
    for case in [&each, &both, &growth] {
        bench.add(case);
    }
}

/// Returns ticks a second of a run of 1,000 devices with this number of ticks each.
fn called(engine: &Engine, console: &Console, workers: u32, ticks: u32) -> f64 {
    let text = FLEET.replace("DURATION", &format!("{ticks}s"));
    let fleet = mockfleet_config::Fleet::parse(&text, "scale.toml", Path::new("."), &[]);
    let settings = RunOptions::default()
        .with_workers(workers)
        .with_console(console.clone())
        .with_sends(false);
    let prepared = prepare(&fleet.expect("a fleet"), engine, &settings).expect("a run");
    let running = prepared.start();
    let finished = running.finish(|_| {});
    // A device that is switched on late in the first second has one tick less.
    assert!(finished.counters.ticks >= u64::from(ticks - 1) * 1_000);
    float(finished.counters.ticks) / finished.took.as_secs_f64()
}

/// Returns ticks a second of cells alone: the same number of ticks, over this number of
/// threads.
fn cells(plugin: &Plugin, console: &Console, threads: u32, ticks: u32) -> f64 {
    let all = u64::from(ticks) * 1_000;
    let share = all / u64::from(threads);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut guests = Guests::new(plugin, console, 64);
                (0..share).for_each(|n| guests.tick(n));
            });
        }
    });
    float(all) / began.elapsed().as_secs_f64()
}

/// Measures the largest memory of fleets with a tick every ten seconds.
fn memory(bench: &mut Bench, broker: &Mosquitto, folder: &Path, rounds: u32) {
    let cases = [
        (1_000, "64", "64 connections"),
        (10_000, "64", "64 connections"),
        (100_000, "64", "64 connections"),
        (1_000, "\"per-device\"", "a connection each"),
        (10_000, "\"per-device\"", "a connection each"),
    ];
    for (devices, connections, shown) in cases {
        let devices = pick(devices, devices / 100);
        let mut case = Case::new(format!("memory of {devices} devices, {shown}"), "MiB");
        for _ in 0..rounds {
            let fleet = Fleet {
                url: broker.url(),
                target: &format!("connections = {connections}"),
                group: &format!("count = {devices}\nevery = \"10s\""),
                seconds: pick(15, 2),
                ..Fleet::default()
            };
            let (ran, counted) = broker.counting(|| fleet.run(folder));
            ran.must_match(counted);
            let peak = float(ran.usage.peak);
            let details = json!({ "kib_a_device": peak / f64::from(devices) });
            case.add_alone(peak / 1024.0, details);
        }
        bench.add(&case);
    }
}

fn workers(bench: &mut Bench, broker: &Mosquitto, folder: &Path, rounds: u32) {
    let seconds = option("--seconds", 10, 1);
    let loads = [
        (Receiver::Broker(broker), LOGGED),
        (Receiver::Sink, LOGGED),
        (Receiver::Sink, UNLOGGED),
    ];
    for (receiver, log) in loads {
        let name = receiver.name();
        let without = if log == LOGGED {
            ""
        } else {
            ", without the log"
        };
        let what = format!("QoS 0 flat out to {name}{without}");
        let mut growth = Case::new(format!("{what}: 2 workers to 1"), "×")
            .against("bare rumqttc loop, 2 threads to 1")
            .counted_by(name)
            .bar(Bar::at_least(1.7));
        let mut cost = Case::new(format!("{what}: processor time, 2 workers to 1"), "×")
            .against("bare rumqttc loop, 2 threads to 1");
        let mut each = Case::new(format!("{what}, 1 worker"), "msg/s")
            .against("bare rumqttc loop, 1 thread")
            .counted_by(name);
        let mut both = Case::new(format!("{what}, 2 workers"), "msg/s")
            .against("bare rumqttc loop, 2 threads")
            .counted_by(name);
        for round in 0..rounds {
            let flat_out = |threads| FlatOut {
                receiver,
                qos: 0,
                threads,
                seconds,
            };
            let ours = |workers| flat_out(workers).fleet(folder, log);
            let loops = |workers| flat_out(workers).bare_loop();
            let (one, bare_one) = in_turn(round, || ours(1), || loops(1));
            let (two, bare_two) = in_turn(round, || ours(2), || loops(2));
            growth.add(
                two.rate / one.rate,
                bare_two.rate / bare_one.rate,
                Value::Null,
            );
            cost.add(two.cpu / one.cpu, bare_two.cpu / bare_one.cpu, Value::Null);
            let details = |a: Load, b: Load| json!({ "ours": a.details, "baseline": b.details });
            each.add(one.rate, bare_one.rate, details(one, bare_one));
            both.add(two.rate, bare_two.rate, details(two, bare_two));
        }
        for case in [&each, &both, &growth, &cost] {
            bench.add(case);
        }
    }
}
