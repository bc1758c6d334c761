//! Starts a broker for benchmarks, and reads its count of received messages.

use std::cell::Cell;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::pick;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

/// A mosquitto process on a free port.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) port: u16,
    received: Arc<AtomicU64>,
    /// Count at the end of the last call of `counting`.
    counted: Cell<u64>,
}

impl Mosquitto {
    pub(crate) fn start(folder: &Path) -> Self {
        // The broker inherits the limit: 10,000 connections need as many files.
        super::raise_open_files();
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
            counted: Cell::new(0),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Returns the count after it has stopped changing. The broker publishes a changed count
    /// every second.
    fn settled(&self) -> u64 {
        let mut last = self.received.load(Ordering::Relaxed);
        let rest = Duration::from_millis(pick(3_500, 2_200));
        let mut since = Instant::now();
        while since.elapsed() < rest {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.received.load(Ordering::Relaxed);
            if now != last {
                last = now;
                since = Instant::now();
            }
        }
        last
    }

    /// Returns the number of messages received while `work` ran. No other client may publish
    /// at the same time.
    pub(crate) fn counting<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        let done = work();
        let all = self.settled();
        (done, all - self.counted.replace(all))
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
        // Wait until the broker accepts connections.
        std::thread::sleep(Duration::from_millis(100));
    }
}
