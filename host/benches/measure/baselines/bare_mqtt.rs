//! Measures an MQTT load without a fleet: loops that send one constant payload.
//!
//! Each loop is a process of its own that prints a line of JSON.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use rumqttc::mqttbytes::v4::{Connect, Publish};
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep_until};

use crate::measure::{now, option};

/// Bytes of a payload.
const SIZE: usize = 256;

fn runtime(workers: u32) -> Runtime {
    let workers = usize::try_from(workers).expect("a few");
    Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn port() -> u16 {
    u16::try_from(option("--port", 1883, 1883)).expect("a port")
}

fn qos() -> QoS {
    match option("--qos", 0, 0) {
        0 => QoS::AtMostOnce,
        _ => QoS::AtLeastOnce,
    }
}

/// Runs rumqttc's client as in its documentation, one a device, flat out.
pub(super) fn flat_out() {
    let (devices, seconds) = (option("--devices", 100, 100), option("--seconds", 10, 10));
    let (port, qos) = (port(), qos());
    let stop = Arc::new(AtomicBool::new(false));
    let began = std::time::Instant::now();
    runtime(option("--workers", 2, 2)).block_on(async {
        let mut loops = Vec::new();
        for n in 0..devices {
            let mut options = MqttOptions::new(format!("bare-{n}"), "127.0.0.1", port);
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
    println!("{}", json!({ "seconds": began.elapsed().as_secs_f64() }));
}

/// The counts of the loops of [`on_schedule`].
struct Seen {
    lag: Mutex<Histogram<u64>>,
    sent: AtomicU64,
    acked: AtomicU64,
    missed: AtomicU64,
    /// Times in microseconds since 1970.
    connected: AtomicU64,
    sending: AtomicU64,
}

/// Runs a tokio task for each device. It sleeps until it is due, writes one constant packet,
/// and reads the acknowledgement. Connections are opened evenly, `--rate` a second.
pub(super) fn on_schedule() {
    crate::measure::raise_open_files();
    let (devices, seconds) = (option("--devices", 100, 100), option("--seconds", 10, 10));
    let rate = f64::from(option("--rate", 2_000, 2_000));
    let (port, qos) = (port(), qos());
    let histogram = Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds");
    let seen = Arc::new(Seen {
        lag: Mutex::new(histogram),
        sent: AtomicU64::new(0),
        acked: AtomicU64::new(0),
        missed: AtomicU64::new(0),
        connected: AtomicU64::new(0),
        sending: AtomicU64::new(0),
    });
    runtime(option("--workers", 2, 2)).block_on(async {
        let start = Instant::now();
        let end = start + Duration::from_secs(seconds.into());
        let tasks: Vec<_> = (0..devices)
            .map(|n| {
                let born = start + Duration::from_secs_f64(f64::from(n) / rate);
                // Phases spread over the first second, as for the devices of a fleet.
                let phase = n.wrapping_mul(2_654_435_761) % 1_000_000;
                let first = born + Duration::from_micros(phase.into());
                tokio::spawn(device(n, port, qos, born, first, end, Arc::clone(&seen)))
            })
            .collect();
        for task in tasks {
            let _ = task.await;
        }
    });
    let lag = seen.lag.lock().unwrap_or_else(PoisonError::into_inner);
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    println!(
        "{}",
        json!({
            "sent": count(&seen.sent),
            "acked": count(&seen.acked),
            "missed": count(&seen.missed),
            "connected": count(&seen.connected),
            "sending": count(&seen.sending),
            "lag_us": {
                "p50": lag.value_at_quantile(0.5),
                "p99": lag.value_at_quantile(0.99),
                "max": lag.max(),
            },
        })
    );
}

async fn device(
    n: u32,
    port: u16,
    qos: QoS,
    born: Instant,
    first: Instant,
    end: Instant,
    seen: Arc<Seen>,
) {
    const EVERY: Duration = Duration::from_secs(1);
    let packet = publish(&format!("bench/bare-{n:05}"), qos);
    sleep_until(born).await;
    let mut stream = connect(port, &format!("bare-{n}")).await;
    latest(&seen.connected);
    let (mut read, mut write) = stream.split();
    let mut answers = [0; 64];
    let mut due = first;
    let (mut sent, mut confirmed) = (0_u64, 0_u64);
    let is_confirmed = qos != QoS::AtMostOnce;
    while due < end || (is_confirmed && confirmed < sent && Instant::now() < end + 5 * EVERY) {
        tokio::select! {
            biased;
            got = read.read(&mut answers) => {
                let bytes = got.expect("the broker is there");
                // Only PUBACKs arrive, with four bytes each.
                confirmed += u64::try_from(bytes).expect("few") / 4;
            }
            () = sleep_until(due), if due < end => {
                write.write_all(&packet).await.expect("the broker is there");
                let lag = due.elapsed();
                let micros = u64::try_from(lag.as_micros()).expect("minutes").max(1);
                seen.lag.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
                if sent == 0 {
                    latest(&seen.sending);
                }
                sent += 1;
                due += EVERY;
                while due < end && due.elapsed() >= EVERY {
                    due += EVERY;
                    seen.missed.fetch_add(1, Ordering::Relaxed);
                }
            }
            () = sleep_until(end + 5 * EVERY), if due >= end => {}
        }
    }
    seen.sent.fetch_add(sent, Ordering::Relaxed);
    seen.acked.fetch_add(confirmed, Ordering::Relaxed);
    let _ = write.write_all(&[0xE0, 0]).await;
}

fn latest(moment: &AtomicU64) {
    let now = u64::try_from(now()).expect("after 1970");
    moment.fetch_max(now, Ordering::Relaxed);
}

/// Connects and publishes once, the minimum for the first message of a process.
pub(super) fn once() {
    let port = port();
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut stream = connect(port, "once").await;
        let packet = publish("bench/once", QoS::AtMostOnce);
        stream
            .write_all(&packet)
            .await
            .expect("the broker is there");
    });
    println!("{}", json!({}));
}

/// An open MQTT connection.
async fn connect(port: u16, id: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the broker is there");
    stream.set_nodelay(true).expect("a socket");
    let mut bytes = bytes::BytesMut::new();
    Connect::new(id).write(&mut bytes).expect("a packet");
    stream.write_all(&bytes).await.expect("the broker is there");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.expect("a CONNACK");
    assert_eq!(answer.first(), Some(&0x20), "a CONNACK");
    stream
}

fn publish(topic: &str, qos: QoS) -> Vec<u8> {
    let mut packet = Publish::new(topic, qos, "x".repeat(SIZE));
    packet.pkid = u16::from(qos != QoS::AtMostOnce);
    let mut bytes = bytes::BytesMut::new();
    packet.write(&mut bytes).expect("a packet");
    bytes.to_vec()
}
