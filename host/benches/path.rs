//! The whole way, schedule to Parquet, against a bare rumqttc loop that publishes
//! constants over as many connections; mosquitto counts both. Then ten thousand
//! devices on schedule, with the memory that they take.
//!
//! ```text
//! cargo bench --bench path [-- --rounds 3 --seconds 10]
//! ```
//!
//! Needs mosquitto (`apt-get install mosquitto`).
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says so")]

mod rounds;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rounds::{Rounds, option};
use rumqttc::{AsyncClient, Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

const DEVICES: u32 = 100;
const SIZE: usize = 256;

fn main() {
    let (rounds, seconds) = (option("--rounds", 3), option("--seconds", 10));
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Mosquitto::start(folder.path());
    for (qos, what) in [
        (QoS::AtMostOnce, "100 devices flat out, QoS 0"),
        (QoS::AtLeastOnce, "100 devices flat out, QoS 1"),
    ] {
        let mut case = Rounds::new(what, "msg/s");
        for _ in 0..rounds {
            let ours = flat_out(&broker, folder.path(), qos, seconds);
            case.add(ours, bare(&broker, qos, seconds));
        }
        case.print("bare rumqttc loop");
    }
    on_schedule(&broker, folder.path(), 3 * seconds);
}

/// Messages a second of ours, as the broker counted them, from the first to the
/// last row.
fn flat_out(broker: &Mosquitto, folder: &Path, qos: QoS, seconds: u32) -> f64 {
    let before = broker.settled();
    let group = format!("count = {DEVICES}\nrate = \"max\"\nconfig = {{ size = {SIZE} }}");
    let (summary, _) = run(broker, folder, qos, seconds, &group);
    let counted = broker.settled() - before;
    let number = |key: &str| summary.get(key).and_then(Value::as_f64).expect("a figure");
    let rows = number("rows");
    let on_the_wire = number("acked") + number("sent");
    assert!(
        (on_the_wire - float(counted)).abs() < 0.5,
        "the broker counted {counted}, the log says {on_the_wire}"
    );
    println!("  ours: {rows} rows, {counted} counted by the broker");
    float(counted) / number("seconds")
}

/// Messages a second of a loop that knows nothing but one payload.
fn bare(broker: &Mosquitto, qos: QoS, seconds: u32) -> f64 {
    let before = broker.settled();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    runtime.block_on(async {
        let mut loops = Vec::new();
        for n in 0..DEVICES {
            let mut options = MqttOptions::new(format!("bare-{n}"), "127.0.0.1", broker.port);
            options.set_inflight(100);
            let (client, mut events) = AsyncClient::new(options, 100);
            let stop = Arc::clone(&stop);
            tokio::spawn(async move {
                let payload = "x".repeat(SIZE);
                let topic = format!("bench/bare-{n:05}");
                while !stop.load(Ordering::Relaxed) {
                    let sent = client.publish(topic.as_str(), qos, false, payload.as_str());
                    sent.await.expect("the loop runs");
                }
                let _ = client.disconnect().await;
            });
            loops.push(tokio::spawn(
                async move { while events.poll().await.is_ok() {} },
            ));
        }
        tokio::time::sleep(Duration::from_secs(seconds.into())).await;
        stop.store(true, Ordering::Relaxed);
        for task in loops {
            let _ = task.await;
        }
    });
    let took = began.elapsed().as_secs_f64();
    let counted = broker.settled() - before;
    println!("  bare: {counted} counted by the broker");
    float(counted) / took
}

/// Ten thousand devices, a connection and a message a second each.
fn on_schedule(broker: &Mosquitto, folder: &Path, seconds: u32) {
    let group = format!("count = 10000\nevery = \"1s\"\nconfig = {{ size = {SIZE} }}");
    let before = broker.settled();
    let (summary, memory) = run(broker, folder, QoS::AtLeastOnce, seconds, &group);
    let counted = broker.settled() - before;
    let number = |key: &str| summary.get(key).and_then(Value::as_u64).expect("a figure");
    let (ticks, missed) = (number("ticks"), number("missed_ticks"));
    let lag = summary.get("lag_us").expect("lag");
    println!(
        "10,000 devices, 1/s each, a connection each, QoS 1, {seconds} s: {:.2} % of the schedule ({missed} of {} ticks missed), lag µs {lag}, {} rows, {counted} counted by the broker, {:.0} MiB at most (1 run)",
        100.0 * float(ticks) / float(ticks + missed),
        ticks + missed,
        number("rows"),
        float(memory) / 1024.0,
    );
}

/// Runs a fleet of thermometers; the summary, and the most memory in KiB.
fn run(broker: &Mosquitto, folder: &Path, qos: QoS, seconds: u32, group: &str) -> (Value, u64) {
    let qos = match qos {
        QoS::AtMostOnce => 0,
        QoS::AtLeastOnce => 1,
        QoS::ExactlyOnce => 2,
    };
    let file = folder.join("fleet.toml");
    let text = format!(
        "seed = 1\nduration = \"{seconds}s\"\n[targets.broker]\nurl = \"mqtt://127.0.0.1:{}\"\nqos = {qos}\n[targets.broker.channels]\ntelemetry = {{ topic = \"bench/{{device}}\" }}\n[[groups]]\nname = \"t\"\nplugin = \"builtin:thermometer\"\n{group}\n[log]\nstore = \"logs\"\n",
        broker.port
    );
    std::fs::write(&file, text).expect("a fleet file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_mockfleet"))
        .arg("run")
        .arg(&file)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("mockfleet");
    let status = format!("/proc/{}/status", child.id());
    let most = std::thread::spawn(move || {
        let mut most = 0;
        while let Some(now) = peak(&status) {
            most = most.max(now);
            std::thread::sleep(Duration::from_millis(100));
        }
        most
    });
    let output = std::io::read_to_string(child.stdout.take().expect("piped")).expect("text");
    child.wait().expect("an end");
    let last = output.lines().last().expect("a summary");
    let summary = serde_json::from_str(last).expect("JSON");
    (summary, most.join().expect("memory"))
}

/// VmHWM of a process, KiB.
fn peak(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn float(n: u64) -> f64 {
    f64::from(u32::try_from(n).expect("a benchmark's counts"))
}

/// A broker of its own, and its own count.
struct Mosquitto {
    child: Child,
    port: u16,
    received: Arc<AtomicU64>,
}

impl Mosquitto {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port")
            .port();
        let file = folder.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\nsys_interval 1\n"
        );
        std::fs::write(&file, text).expect("a configuration");
        let child = Command::new("mosquitto")
            .env(
                "PATH",
                "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin",
            )
            .arg("-c")
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed");
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        std::thread::spawn(move || count(port, &counter));
        Self {
            child,
            port,
            received,
        }
    }

    /// The count, once it rests: the broker publishes it every second, if it changed.
    fn settled(&self) -> u64 {
        let mut last = self.received.load(Ordering::Relaxed);
        let mut since = Instant::now();
        while since.elapsed() < Duration::from_millis(3_500) {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.received.load(Ordering::Relaxed);
            if now != last {
                last = now;
                since = Instant::now();
            }
        }
        last
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn count(port: u16, received: &AtomicU64) {
    loop {
        let (client, mut connection) =
            Client::new(MqttOptions::new("count", "127.0.0.1", port), 10);
        let _ = client.subscribe("$SYS/broker/publish/messages/received", QoS::AtMostOnce);
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let text = String::from_utf8_lossy(&publish.payload).into_owned();
                    received.store(text.parse().unwrap_or(0), Ordering::Relaxed);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // The broker is not up yet.
        std::thread::sleep(Duration::from_millis(100));
    }
}
