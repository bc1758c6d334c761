//! Probes its sandbox with the standard library and reports the results.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mockfleet_sdk::{About, Behaviour, Device, Error, NoConfig, Tick, Turn};
use serde_json::{Value, json};

mockfleet_sdk::export!(Probe);

/// One device.
#[derive(Debug)]
pub struct Probe {
    id: String,
    started: Instant,
}

impl Behaviour for Probe {
    type Config = NoConfig;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry")
    }

    fn create(device: &Device, _: NoConfig) -> Result<Self, Error> {
        Ok(Self {
            id: device.id.clone(),
            started: Instant::now(),
        })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        println!("probe {} prints tick {}", self.id, tick.sequence);
        eprintln!("probe {} complains at tick {}", self.id, tick.sequence);
        let report = json!({
            "device": self.id,
            "tick": tick.sequence,
            // The run's clock, by the call and by the standard library: equal.
            "tick_us": tick.at.micros(),
            "system_us": micros(SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::failed)?),
            "monotonic_us": micros(self.started.elapsed()),
            // A sleep of ten seconds: how much of the clock it took.
            "slept_us": micros(sleep(Duration::from_secs(10))),
            // Of the device and of the call, not of the machine.
            "random": random()?,
            // In the order of the standard library's hash map, whose keys are random.
            "map": map_order(),
            "open": outcome(File::open("/etc/passwd")),
            "write": outcome(fs::write("/tmp/probe", "was here")),
            "list": outcome(fs::read_dir("/")),
            "tcp": outcome(TcpStream::connect("127.0.0.1:1883")),
            "udp": outcome(UdpSocket::bind("127.0.0.1:0")),
            "thread": outcome(thread::Builder::new().spawn(|| {})),
            "env": std::env::vars().collect::<Vec<_>>(),
            "args": std::env::args().collect::<Vec<_>>(),
        });
        turn.json("telemetry", &report).map(drop)
    }
}

/// `ok`, or the text of the error.
fn outcome<T>(result: std::io::Result<T>) -> Value {
    match result {
        Ok(_) => json!("ok"),
        Err(error) => json!(error.to_string()),
    }
}

fn sleep(length: Duration) -> Duration {
    let before = Instant::now();
    thread::sleep(length);
    before.elapsed()
}

fn random() -> Result<u64, Error> {
    getrandom::u64().map_err(Error::failed)
}

fn map_order() -> Vec<u32> {
    let map: HashMap<u32, u32> = (0..8).map(|key| (key, key)).collect();
    map.into_keys().collect()
}

fn micros(length: Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}
