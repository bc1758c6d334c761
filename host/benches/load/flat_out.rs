//! Sends as fast as possible to a receiver that counts.
//!
//! There are two receivers: mosquitto, and a sink with as many threads as the sender, so that
//! the sender is what is measured.

use std::path::Path;

use crate::measure::{Child, Fleet, Load, Mosquitto, Sample, bare, counted, load};

pub(super) const LOGGED: &str = "store = \"logs\"";
pub(super) const UNLOGGED: &str = "store = \"none\"";

/// The receiver of a load.
#[derive(Clone, Copy)]
pub(super) enum Receiver<'a> {
    Broker(&'a Mosquitto),
    Sink,
}

/// A load of 100 devices.
#[derive(Clone, Copy)]
pub(super) struct FlatOut<'a> {
    pub(super) receiver: Receiver<'a>,
    pub(super) qos: u8,
    /// Threads of the sender, and of the sink.
    pub(super) threads: u32,
    pub(super) seconds: u32,
}

impl Receiver<'_> {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Broker(_) => "mosquitto",
            Self::Sink => "a sink",
        }
    }
}

impl FlatOut<'_> {
    /// Runs a fleet. All that it reports as sent, the receiver must have.
    pub(super) fn fleet(self, folder: &Path, log: &str) -> Load {
        let (ran, counts) = self.sampling(|port| {
            let fleet = Fleet {
                url: format!("mqtt://127.0.0.1:{port}"),
                target: &format!("qos = {}", self.qos),
                group: "count = 100\nrate = \"max\"",
                log,
                seconds: self.seconds,
                workers: self.threads,
                ..Fleet::default()
            };
            fleet.run(folder)
        });
        ran.must_match(counted(&counts));
        load(&counts, &ran.usage, self.seconds)
    }

    /// Runs a loop that publishes one constant payload over 100 connections.
    pub(super) fn bare_loop(self) -> Load {
        let ((_, usage), counts) = self.sampling(|port| {
            let arguments = [
                ("--port", port.into()),
                ("--qos", self.qos.into()),
                ("--seconds", self.seconds.into()),
                ("--workers", self.threads.into()),
            ];
            bare("flat-out", &arguments)
        });
        load(&counts, &usage, self.seconds)
    }

    /// Runs a load against the receiver's port, and returns the receiver's counts.
    fn sampling<T: Send>(self, work: impl FnOnce(u16) -> T + Send) -> (T, Vec<Sample>) {
        match self.receiver {
            Receiver::Broker(broker) => broker.sampling(|| work(broker.port)),
            Receiver::Sink => {
                let mut sink = Child::start_with("sink", &[("--threads", self.threads.into())]);
                let port = sink.port;
                sink.sampling(|| work(port))
            }
        }
    }
}
