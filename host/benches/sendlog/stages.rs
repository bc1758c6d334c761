//! Measures the processor time of one message in each stage alone.
//!
//! The time is that of the working thread, so waiting for other threads is not counted.
//! `host/benches/profile.py` reports the cost of the same stages inside a run.
//!
//! ```text
//! cargo bench -- stages [--rounds 5] [--short]
//! ```

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use crate::measure::guests::{Guests, Natives, plugin};
use crate::measure::wire::Wire;
use crate::measure::{Bench, Case, Child, option, rows, sendlog};
use arrow_array::RecordBatch;
use mockfleet_config::KeepPayload;
use mockfleet_plugin::Engine;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rumqttc::QoS;
use rumqttc::mqttbytes::v4::Publish;
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde_json::Value;

pub(crate) fn main() {
    let (rounds, times) = (option("--rounds", 5, 1), option("--times", 200_000, 2_000));
    let mut stages: Vec<(Case, Box<dyn FnMut() -> f64>)> = Vec::new();
    let mut stage = |name: &str, work: Box<dyn FnMut() -> f64>| {
        stages.push((Case::new(name, "ns"), work));
    };
    behaviour(&mut stage, times);
    packets(&mut stage, times);
    let folder = tempfile::tempdir().expect("a folder");
    records(&mut stage, folder.path(), times);
    for _ in 0..rounds {
        for (case, work) in &mut stages {
            case.add_alone(work(), Value::Null);
        }
    }
    let mut bench = Bench::new("stages");
    for (case, _) in &stages {
        bench.add(case);
    }
    bench.finish();
}

type Stage<'a> = dyn FnMut(&str, Box<dyn FnMut() -> f64>) + 'a;

fn behaviour(stage: &mut Stage<'_>, times: u32) {
    let engine = Engine::new().expect("WebAssembly runs here");
    let (plugin, console) = plugin(&engine);
    let mut natives = Natives::new(64);
    let mut guests = Guests::new(&plugin, &console, 64);
    let mut n = 0;
    stage(
        "the behaviour, native",
        Box::new(move || {
            each(times, || {
                n += 1;
                natives.tick(n);
            })
        }),
    );
    let mut n = 0;
    stage(
        "the behaviour in a cell: call, lower, WebAssembly, lift",
        Box::new(move || {
            // The epoch advances only while the engine lives.
            let _engine = &engine;
            each(times, || {
                n += 1;
                guests.tick(n);
            })
        }),
    );
}

fn packets(stage: &mut Stage<'_>, times: u32) {
    let packet = || {
        Publish::new(
            "site/t/thermometer-00000/telemetry",
            QoS::AtMostOnce,
            vec![b'x'; 256],
        )
    };
    let mut buffer = bytes::BytesMut::with_capacity(64 << 10);
    let publish = packet();
    stage(
        "an MQTT packet encoded into a buffer",
        Box::new(move || {
            each(times, || {
                if buffer.len() > 32 << 10 {
                    buffer.clear();
                }
                black_box(publish.write(&mut buffer)).expect("a packet");
            })
        }),
    );
    for batch in [1_u32, 16] {
        let sink = Child::start("sink");
        let mut wire = Wire::open(sink.port);
        let name = match batch {
            1 => "MQTT: envelope to outcome, one message a turn",
            _ => "MQTT: envelope to outcome, 16 messages a turn",
        };
        let messages = usize::try_from(batch).expect("small");
        stage(
            name,
            Box::new(move || {
                let _sink = &sink;
                each(times / batch, || wire.send(messages)) / f64::from(batch)
            }),
        );
    }
    let mut bytes = bytes::BytesMut::new();
    packet().write(&mut bytes).expect("a packet");
    for batch in [1_u32, 16] {
        let sink = Child::start("sink");
        let mut socket = TcpStream::connect(("127.0.0.1", sink.port)).expect("a socket");
        socket.set_nodelay(true).expect("a socket");
        let bytes = bytes.repeat(usize::try_from(batch).expect("small"));
        let name = match batch {
            1 => "the write syscall alone, one packet",
            _ => "the write syscall alone, 16 packets",
        };
        stage(
            name,
            Box::new(move || {
                let _sink = &sink;
                let write = || socket.write_all(&bytes).expect("it takes all");
                each(times / batch, write) / f64::from(batch)
            }),
        );
    }
}

fn records(stage: &mut Stage<'_>, folder: &Path, times: u32) {
    let payloads = rows::payloads();
    let rows = times * 2;
    let at = folder.join("ours");
    std::fs::create_dir_all(&at).expect("a folder");
    let ours = at.clone();
    let texts = payloads.clone();
    stage(
        "append of message and outcome, with the write to the spool",
        Box::new(move || logged(&ours, rows, &texts).0),
    );
    stage(
        "encode and compress a row, on the encoder's thread",
        Box::new(move || logged(&at, rows, &payloads).1),
    );
    let made = folder.join("made");
    logged(&made, rows, &rows::payloads());
    let batches = sendlog::batches(&made.join("logs/sends"), &[]);
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).expect("a level"));
    for (name, compression) in [
        ("plain ArrowWriter a row, zstd 1", zstd),
        (
            "plain ArrowWriter a row, no compression",
            Compression::UNCOMPRESSED,
        ),
    ] {
        let (file, batches) = (folder.join("plain"), batches.clone());
        stage(
            name,
            Box::new(move || plain(&file, &batches, compression) / f64::from(rows)),
        );
    }
}

/// Returns the nanoseconds a row of the appending thread, and of all other threads.
fn logged(folder: &Path, rows: u32, payloads: &[String]) -> (f64, f64) {
    let logs = folder.join("logs");
    if logs.exists() {
        std::fs::remove_dir_all(&logs).expect("a folder of this benchmark");
    }
    let (all, mine) = (all_threads(), this_thread());
    let log = rows::open(folder, KeepPayload::Full);
    let mut appender = log.appender();
    for n in 0..rows {
        while n % 100 == 0 && appender.is_full() {
            std::thread::yield_now();
        }
        rows::append(&mut appender, n, payloads);
        if n % 100 == 99 {
            appender.flush(Instant::now());
        }
    }
    appender.finish();
    let spent = this_thread() - mine;
    assert!(log.close(|_| {}).error.is_none(), "a whole log");
    let others = (all_threads() - all) - (this_thread() - mine);
    (spent / f64::from(rows), others / f64::from(rows))
}

/// Returns the nanoseconds of the whole file.
fn plain(file: &Path, batches: &[RecordBatch], compression: Compression) -> f64 {
    let before = this_thread();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let schema = batches.first().expect("rows").schema();
    let target = File::create(file).expect("a file");
    let mut writer = ArrowWriter::try_new(target, schema, Some(properties)).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("a batch");
    }
    writer.close().expect("a footer");
    this_thread() - before
}

/// Returns this thread's nanoseconds a call.
fn each(times: u32, mut work: impl FnMut()) -> f64 {
    let before = this_thread();
    (0..times).for_each(|_| work());
    (this_thread() - before) / f64::from(times)
}

/// Returns the nanoseconds that this thread has run.
fn this_thread() -> f64 {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// Returns the nanoseconds that all threads of this process have run.
fn all_threads() -> f64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

fn nanoseconds(time: Timespec) -> f64 {
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
