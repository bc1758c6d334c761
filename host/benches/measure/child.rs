//! Processes: bare loops and counting servers are this program again, with another
//! first argument, so that memory and time of each can be told apart.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a process took, as the kernel counted it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// The most memory that was resident, in KiB.
    pub(crate) peak: u64,
    /// Processor time of all its threads, in seconds; up to 50 ms may be missing.
    pub(crate) cpu: f64,
}

/// Watches a process until it is gone.
pub(crate) fn watch(id: u32) -> JoinHandle<Usage> {
    std::thread::spawn(move || {
        let mut usage = Usage::default();
        while let Some((peak, cpu)) = peak(id).zip(cpu(id)) {
            usage = Usage { peak, cpu };
            std::thread::sleep(Duration::from_millis(50));
        }
        usage
    })
}

/// VmHWM of a process, KiB. None of one that has ended.
fn peak(id: u32) -> Option<u64> {
    status(&id.to_string(), "VmHWM:")
}

/// Resident memory of this process, KiB.
pub(crate) fn resident() -> u64 {
    status("self", "VmRSS:").expect("/proc")
}

fn status(process: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Seconds of processor time, user and system.
fn cpu(id: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which may hold anything: fields 14 and 15 of the whole.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // USER_HZ is 100 wherever Linux runs today.
    Some(super::float(ticks + system) / 100.0)
}

/// As many open files as the system allows.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// What this process is when its first argument is `bare`: the loop or the server that the
/// second one names.
pub(crate) fn bare_loop() {
    match std::env::args().nth(2).as_deref() {
        Some("flat-out") => super::bare_mqtt::flat_out(),
        Some("on-schedule") => super::bare_mqtt::on_schedule(),
        Some("once") => super::bare_mqtt::once(),
        Some("sink") => super::sink::run(),
        Some("requests") => super::bare_http::requests(),
        Some("server") => super::server::run(),
        other => unreachable!("no bare loop is named {other:?}"),
    }
}

/// Runs a bare loop as a process of its own: what it printed, and what it took.
pub(crate) fn bare(name: &str, arguments: &[(&str, u64)]) -> (Value, Usage) {
    let mut child = myself(name, arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program");
    let watch = watch(child.id());
    let stdout = child.stdout.take().expect("piped");
    let text = std::io::read_to_string(stdout).expect("text");
    let status = child.wait().expect("an end");
    assert!(status.success(), "the bare loop {name} failed");
    let last = text.lines().last().expect("a line");
    let printed = serde_json::from_str(last).expect("JSON");
    (printed, watch.join().expect("memory"))
}

fn myself(name: &str, arguments: &[(&str, u64)]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["bare", name]);
    for (option, value) in arguments {
        command.arg(option).arg(value.to_string());
    }
    command
}

/// A server of this program: it prints its port, and one line of JSON for each line
/// that it reads.
pub(crate) struct Child {
    child: std::process::Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Child {
    pub(crate) fn start(name: &str) -> Self {
        let mut child = myself(name, &[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program");
        let asked = child.stdin.take().expect("piped");
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        Self {
            child,
            asked,
            answers,
            port,
        }
    }

    /// What it has counted so far.
    pub(crate) fn ask(&mut self) -> Value {
        self.asked.write_all(b"\n").expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    /// The number of messages that it has taken, once it rests: what a client has
    /// written may still lie in the kernel.
    pub(crate) fn received(&mut self) -> u64 {
        let mut ask = || {
            let answer = self.ask();
            let received = answer.get("received").and_then(Value::as_u64);
            received.expect("a count")
        };
        let (mut last, mut since) = (ask(), Instant::now());
        while since.elapsed() < Duration::from_millis(300) {
            std::thread::sleep(Duration::from_millis(20));
            let now = ask();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        last
    }

    /// Seconds of processor time that it has had.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(self.child.id()).unwrap_or_default()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
