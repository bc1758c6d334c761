//! Runs the program itself, as a user starts it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::child::{Usage, watch};

/// A fleet of thermometers with payloads of 256 bytes.
pub(crate) struct Fleet<'a> {
    /// URL of the target.
    pub(crate) url: String,
    /// Lines of the target's table.
    pub(crate) target: &'a str,
    /// Line of the channel: `topic = "…"` or `path = "…"`.
    pub(crate) channel: &'a str,
    /// Lines of the group: count and rate.
    pub(crate) group: &'a str,
    /// Lines of `[log]`.
    pub(crate) log: &'a str,
    /// Duration of the run in seconds.
    pub(crate) seconds: u32,
    /// Threads that call devices; 0 uses the program's default.
    pub(crate) workers: u32,
}

impl Default for Fleet<'_> {
    fn default() -> Self {
        Self {
            url: String::new(),
            target: "",
            channel: "topic = \"bench/{device}\"",
            group: "",
            log: "store = \"logs\"",
            seconds: 1,
            workers: 0,
        }
    }
}

/// The result of a run.
pub(crate) struct Ran {
    /// The summary of `run --json`.
    pub(crate) summary: Value,
    pub(crate) usage: Usage,
    /// Start of the process, in microseconds since 1970.
    pub(crate) started: i64,
}

impl Fleet<'_> {
    /// Runs the fleet in `folder`, after deleting the log of an earlier run.
    pub(crate) fn run(&self, folder: &Path) -> Ran {
        self.start(folder, "run", &[])
    }

    /// Backfills this number of hours, without sending.
    pub(crate) fn backfill(&self, folder: &Path, hours: u32) -> Ran {
        let start: jiff::Timestamp = "2025-01-01T00:00:00Z".parse().expect("a moment");
        let end = start + jiff::SignedDuration::from_hours(hours.into());
        let (from, to) = (start.to_string(), end.to_string());
        self.start(folder, "backfill", &["--from", &from, "--to", &to])
    }

    fn start(&self, folder: &Path, verb: &str, arguments: &[&str]) -> Ran {
        let file = self.write(folder);
        let logs = folder.join("logs");
        if logs.exists() {
            std::fs::remove_dir_all(&logs).expect("a folder of this benchmark");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_mockfleet"));
        command.arg(verb).arg(&file).arg("--json").args(arguments);
        if self.workers > 0 {
            command.arg("--workers").arg(self.workers.to_string());
        }
        let started = now();
        let mut child = command
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mockfleet");
        let watch = watch(child.id());
        let stdout = child.stdout.take().expect("piped");
        let output = std::io::read_to_string(stdout).expect("text");
        child.wait().expect("an end");
        let last = output
            .lines()
            .last()
            .expect("a summary; is its fleet file good?");
        Ran {
            summary: serde_json::from_str(last).expect("JSON"),
            usage: watch.join().expect("memory"),
            started,
        }
    }

    /// Writes the fleet file.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let Self {
            url,
            target,
            channel,
            group,
            log,
            seconds,
            ..
        } = self;
        let file = folder.join("fleet.toml");
        let text = format!(
            "seed = 1\nduration = \"{seconds}s\"\n[targets.backend]\nurl = \"{url}\"\n{target}\n[targets.backend.channels]\ntelemetry = {{ {channel} }}\n[[groups]]\nname = \"t\"\nplugin = \"builtin:thermometer\"\nconfig = {{ size = 256 }}\n{group}\n[log]\n{log}\n"
        );
        std::fs::write(&file, text).expect("a fleet file");
        file
    }
}

impl Ran {
    /// Returns a count of the summary.
    pub(crate) fn count(&self, key: &str) -> u64 {
        let value = self.summary.get(key).and_then(Value::as_u64);
        value.expect("a count of the summary")
    }

    /// Returns a figure of the summary.
    pub(crate) fn figure(&self, pointer: &str) -> f64 {
        let value = self.summary.pointer(pointer).and_then(Value::as_f64);
        value.expect("a figure of the summary")
    }

    /// Returns the messages on the wire, by the program's own counts.
    pub(crate) fn on_the_wire(&self) -> u64 {
        self.count("acked") + self.count("sent")
    }

    /// Asserts that the program's count equals the receiver's count.
    pub(crate) fn must_match(&self, counted: u64) {
        let told = self.on_the_wire();
        assert_eq!(
            told, counted,
            "the log says {told}, and {counted} were received"
        );
    }
}

/// Returns the current time in microseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    i64::try_from(since.as_micros()).expect("years")
}
