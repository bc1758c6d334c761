//! Describes the machine and the commit of a measurement.

use std::process::Command;

use serde_json::{Value, json};

/// Returns processor, cores, memory and kernel.
pub(super) fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json!({
        "cpu": line_of("/proc/cpuinfo", "model name"),
        "cores": cores,
        "memory": line_of("/proc/meminfo", "MemTotal"),
        "kernel": rustix::system::uname().release().to_string_lossy(),
        "arch": std::env::consts::ARCH,
    })
}

/// Returns the commit that is checked out, and whether files differ from it.
pub(super) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short=10", "HEAD"]) {
        Some(commit) => {
            // Files that benchmarks write do not affect the measurement.
            let changed = git(&[
                "status",
                "--porcelain",
                "--",
                "..",
                ":!../docs",
                ":!../README.md",
            ]);
            let differs = changed.is_some_and(|changed| !changed.is_empty());
            format!("{commit}{}", if differs { " with changes" } else { "" })
        }
        None => "unknown".into(),
    }
}

fn line_of(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
