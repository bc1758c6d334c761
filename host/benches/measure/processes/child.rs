//! Runs bare loops and counting servers as processes of their own.
//!
//! They are this program with another first argument, so that memory and time of each are
//! separate.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::window::Sample;

/// The resource usage of a process, as the kernel counted it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Largest resident memory, in KiB.
    pub(crate) peak: u64,
    /// Processor time of all threads, in seconds. Up to 50 ms may be missing.
    pub(crate) cpu: f64,
    /// Processor time in seconds, every 50 ms.
    samples: Vec<(Instant, f64)>,
}

impl Usage {
    /// Returns the processor time until a moment, in seconds.
    pub(crate) fn cpu_at(&self, at: Instant) -> f64 {
        let after = self.samples.partition_point(|(other, _)| *other <= at);
        let before = after.checked_sub(1).and_then(|n| self.samples.get(n));
        match (before, self.samples.get(after)) {
            (Some((a, low)), Some((b, high))) => {
                let span = b.duration_since(*a).as_secs_f64();
                low + (high - low) * at.duration_since(*a).as_secs_f64() / span
            }
            (Some((_, cpu)), None) => *cpu,
            (None, _) => 0.0,
        }
    }
}

/// Watches a process until it ends.
pub(crate) fn watch(id: u32) -> JoinHandle<Usage> {
    std::thread::spawn(move || {
        let mut usage = Usage::default();
        while let Some((peak, cpu)) = peak(id).zip(cpu(id)) {
            (usage.peak, usage.cpu) = (peak, cpu);
            usage.samples.push((Instant::now(), cpu));
            std::thread::sleep(Duration::from_millis(50));
        }
        usage
    })
}

/// Returns the VmHWM of a process in KiB, and `None` for an ended process.
fn peak(id: u32) -> Option<u64> {
    status(&id.to_string(), "VmHWM:")
}

/// Returns the resident memory of this process in KiB.
pub(crate) fn resident() -> u64 {
    status("self", "VmRSS:").expect("/proc")
}

fn status(process: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Returns the processor time of a process in seconds, user and system.
fn cpu(id: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Fields 14 and 15 of the line. The name before them may contain any character.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // USER_HZ is 100 on every current Linux.
    Some(crate::measure::float(ticks + system) / 100.0)
}

/// Raises the limit of open files to the system's maximum.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Runs a bare loop as its own process, and returns its output and its resource usage.
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

/// A server of this program. It prints its port, and a line of JSON for each line that it
/// reads.
pub(crate) struct Child {
    child: std::process::Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Child {
    pub(crate) fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// Starts a server with options.
    pub(crate) fn start_with(name: &str, options: &[(&str, u64)]) -> Self {
        let mut child = myself(name, options)
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

    /// Returns the current counts of the server.
    pub(crate) fn ask(&mut self) -> Value {
        self.asked.write_all(b"\n").expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    /// Samples the number of received messages while `work` runs, and until it has stopped
    /// changing.
    pub(crate) fn sampling<T: Send>(
        &mut self,
        work: impl FnOnce() -> T + Send,
    ) -> (T, Vec<Sample>) {
        let mut samples = vec![(Instant::now(), self.count())];
        let done = std::thread::scope(|scope| {
            let work = scope.spawn(work);
            while !work.is_finished() {
                std::thread::sleep(Duration::from_millis(50));
                samples.push((Instant::now(), self.count()));
            }
            work.join().expect("the load ran")
        });
        samples.push((Instant::now(), self.received()));
        (done, samples)
    }

    fn count(&mut self) -> u64 {
        let answer = self.ask();
        let received = answer.get("received").and_then(Value::as_u64);
        received.expect("a count")
    }

    /// Returns the number of received messages, after it has stopped changing. Messages that a
    /// client has written may still be in the kernel.
    pub(crate) fn received(&mut self) -> u64 {
        let (mut last, mut since) = (self.count(), Instant::now());
        while since.elapsed() < Duration::from_millis(300) {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.count();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        last
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
