//! Counts instructions of the steady inner loops with valgrind.
//!
//! The counts are the same on a busy and on a quiet machine. Each loop runs N and 2 N times,
//! each in its own process. The difference is the cost of N times, without start and end.
//!
//! ```text
//! cargo bench -- count [--rounds 2] [--short]
//! ```
//!
//! Needs valgrind (`apt-get install valgrind`). The kernel's instructions are not counted.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::measure::guests::{Guests, Natives, plugin};
use crate::measure::wire::Wire;
use crate::measure::{self, Bench, Case, Child, float, option, rows};
use mockfleet_config::KeepPayload;
use mockfleet_plugin::Engine;
use rumqttc::QoS;
use rumqttc::mqttbytes::v4::Publish;
use serde_json::json;

/// A loop: its name, a description of one iteration, and the number of iterations.
struct Loop {
    name: &'static str,
    what: &'static str,
    times: u32,
    /// Whether only the instructions of the main thread count, or those of the whole process.
    main_thread: bool,
    /// Runs of which the least counts: one, unless another thread runs beside the loop.
    runs: u32,
    work: fn(u32, u16),
}

const LOOPS: [Loop; 7] = [
    Loop {
        name: "tick",
        what: "a tick, 64 devices a cell",
        times: 2_000,
        main_thread: true,
        runs: 1,
        work: tick,
    },
    Loop {
        name: "native-tick",
        what: "a tick, native",
        times: 2_000,
        main_thread: true,
        runs: 1,
        work: native_tick,
    },
    Loop {
        name: "append",
        what: "an append of message and outcome",
        times: 5_000,
        main_thread: true,
        runs: 8,
        work: log,
    },
    Loop {
        name: "row",
        what: "a row, append to closed Parquet, all threads",
        times: 20_000,
        main_thread: false,
        runs: 8,
        work: log,
    },
    Loop {
        name: "packet",
        what: "an MQTT packet encoded into a buffer",
        times: 5_000,
        main_thread: true,
        runs: 1,
        work: packet,
    },
    Loop {
        name: "wire-1",
        what: "MQTT, envelope to outcome, one message a turn",
        times: 2_000,
        main_thread: true,
        runs: 1,
        work: wire_1,
    },
    Loop {
        name: "wire-16",
        what: "MQTT, envelope to outcome, 16 messages a turn",
        times: 3_200,
        main_thread: true,
        runs: 1,
        work: wire_16,
    },
];

pub(crate) fn main() {
    let rounds = option("--rounds", 2, 1);
    let mut bench = Bench::new("count");
    for found in &LOOPS {
        let mut case = Case::new(found.what, "instructions").counted_by("valgrind");
        // One run first, which compiles the plugins for valgrind's processor.
        counted_once(found, 1);
        for _ in 0..rounds {
            let times = if measure::short() {
                found.times / 10
            } else {
                found.times
            };
            let once = counted(found, times);
            let twice = counted(found, 2 * times);
            let each = (float(twice) - float(once)) / f64::from(times);
            case.add_alone(
                each,
                json!({ "times": times, "once": once, "twice": twice }),
            );
        }
        bench.add(&case);
    }
    bench.finish();
}

/// Runs the loop that the command line names, in a process under valgrind.
pub(crate) fn run_loop() {
    let name = std::env::args().nth(2).expect("a loop's name");
    let found = LOOPS.iter().find(|known| known.name == name);
    let port = u16::try_from(option("--port", 0, 0)).expect("a port");
    (found.expect("a loop").work)(option("--times", 1, 1), port);
}

/// Returns the instructions of a loop: the least of its runs, since waiting for another thread
/// only adds instructions.
fn counted(found: &Loop, times: u32) -> u64 {
    let runs = (0..found.runs).map(|_| counted_once(found, times));
    runs.min().expect("a run")
}

/// Returns the instructions of the process that runs the loop, or of its main thread.
fn counted_once(found: &Loop, times: u32) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Child::start("sink");
    let out = folder.path().join("out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().expect("this program"))
        .args(["loop", found.name, "--times", &times.to_string()])
        .args(["--port", &sink.port.to_string()])
        .stdout(Stdio::null())
        .status()
        .expect("valgrind is installed");
    assert!(status.success(), "the loop {} failed", found.name);
    let files = std::fs::read_dir(folder.path()).expect("a folder");
    let threads = files.filter_map(|entry| threads(&entry.ok()?.path()));
    let of = |(number, count): (u32, u64)| (!found.main_thread || number == 1).then_some(count);
    threads.filter_map(of).sum()
}

/// Returns the number and the instructions of the thread in a file of callgrind.
fn threads(file: &Path) -> Option<(u32, u64)> {
    let number = file.extension().is_none().then(|| file.to_string_lossy())?;
    let number = number.rsplit_once("out-")?.1.parse().ok()?;
    let text = std::fs::read_to_string(file).ok()?;
    let totals = text
        .lines()
        .filter_map(|line| line.strip_prefix("totals: "));
    Some((
        number,
        totals
            .filter_map(|count| count.trim().parse::<u64>().ok())
            .sum(),
    ))
}

fn tick(times: u32, _: u16) {
    let engine = Engine::new().expect("WebAssembly runs here");
    let (plugin, console) = plugin(&engine);
    let mut guests = Guests::new(&plugin, &console, 64);
    (0..u64::from(times)).for_each(|n| guests.tick(n));
}

fn native_tick(times: u32, _: u16) {
    let mut natives = Natives::new(64);
    (0..u64::from(times)).for_each(|n| natives.tick(n));
}

fn log(times: u32, _: u16) {
    let folder = tempfile::tempdir().expect("a folder");
    let payloads = rows::payloads();
    let log = rows::open(folder.path(), KeepPayload::Full);
    let mut appender = log.appender();
    for n in 0..times {
        rows::append(&mut appender, n, &payloads);
        if n % 100 == 99 {
            appender.flush(Instant::now());
        }
    }
    appender.finish();
    assert!(log.close(|_| {}).error.is_none(), "a whole log");
}

fn packet(times: u32, _: u16) {
    let topic = "site/t/thermometer-00000/telemetry";
    let publish = Publish::new(topic, QoS::AtMostOnce, vec![b'x'; 256]);
    let mut buffer = bytes::BytesMut::with_capacity(64 << 10);
    for _ in 0..times {
        if buffer.len() > 32 << 10 {
            buffer.clear();
        }
        black_box(publish.write(&mut buffer)).expect("a packet");
    }
}

fn wire_1(times: u32, port: u16) {
    let mut wire = Wire::open(port);
    (0..times).for_each(|_| wire.send(1));
}

fn wire_16(times: u32, port: u16) {
    let mut wire = Wire::open(port);
    (0..times / 16).for_each(|_| wire.send(16));
}
