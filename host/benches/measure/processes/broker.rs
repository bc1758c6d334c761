//! Starts a broker for benchmarks, and reads its count of received messages.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::window::{Sample, counted};
use crate::measure::pick;
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

/// A mosquitto process on a free port.
pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) port: u16,
    /// Each count that the broker published.
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Mosquitto {
    pub(crate) fn start(folder: &Path) -> Self {
        // The broker inherits the limit: 10,000 connections need as many files.
        crate::measure::raise_open_files();
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
        let samples = Arc::new(Mutex::new(vec![(Instant::now(), 0)]));
        let counter = Arc::clone(&samples);
        std::thread::spawn(move || count(port, &counter));
        Self {
            child,
            port,
            samples,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Returns the count after it has stopped changing. The broker publishes a changed count
    /// every second.
    fn settled(&self) -> Sample {
        let mut last = self.last();
        let rest = Duration::from_millis(pick(3_500, 2_200));
        let mut since = Instant::now();
        while since.elapsed() < rest {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.last();
            if now.1 != last.1 {
                last = now;
                since = Instant::now();
            }
        }
        last
    }

    fn last(&self) -> Sample {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        *samples.last().expect("the first one")
    }

    /// Returns the number of messages received while `work` ran. No other client may publish
    /// at the same time.
    pub(crate) fn counting<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        let (done, samples) = self.sampling(work);
        (done, counted(&samples))
    }

    /// Samples the number of received messages while `work` runs, and until it has stopped
    /// changing.
    pub(crate) fn sampling<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<Sample>) {
        let before = (Instant::now(), self.last().1);
        let done = work();
        self.settled();
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let later = samples.iter().filter(|(at, _)| *at > before.0);
        (
            done,
            std::iter::once(&before).chain(later).copied().collect(),
        )
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn count(port: u16, samples: &Mutex<Vec<Sample>>) {
    loop {
        let (client, mut connection) =
            Client::new(MqttOptions::new("count", "127.0.0.1", port), 10);
        let _ = client.subscribe("$SYS/broker/publish/messages/received", QoS::AtMostOnce);
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let text = String::from_utf8_lossy(&publish.payload).into_owned();
                    let count = text.parse().unwrap_or(0);
                    let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                    samples.push((Instant::now(), count));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // Wait until the broker accepts connections.
        std::thread::sleep(Duration::from_millis(100));
    }
}
