//! Runs the checks of each target over its kept inputs.
//!
//! With `mutate SECONDS [TARGET]`, it runs them over changed inputs for a while. It has a main
//! function of its own, since it also is the program that compiles components in a child process.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a check fails by panicking"
)]

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use mockfleet_fuzz as checks;

mod mutation;

use mutation::{Random, mutated};

/// The maximum memory of this process, 1 GiB.
const MAX_MEMORY_KIB: u64 = 1 << 20;

type Check = fn(&[u8]);

/// Each target of `fuzz/` but `spool`, whose check is a part of mockfleet-sendlog.
const TARGETS: [(&str, Check); 10] = [
    ("bundle", checks::bundle),
    ("component", component),
    ("fleet", checks::fleet),
    ("footer", checks::footer),
    ("http", checks::http),
    ("mqtt", checks::mqtt),
    ("recovery", checks::recovery),
    ("report", checks::report),
    ("schema", checks::schema),
    ("terminal", checks::terminal),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, reservation] = &arguments[..]
        && command == "compile-component"
    {
        return mockfleet_plugin::compile_component(reservation);
    }
    if let [command, seconds, filters @ ..] = &arguments[..]
        && command == "mutate"
    {
        let seconds = seconds.parse().expect("a number of seconds");
        return mutate(Duration::from_secs(seconds), filters);
    }
    let filters: Vec<&String> = arguments
        .iter()
        .filter(|one| !one.starts_with('-'))
        .collect();
    let is_wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|part| name.contains(*part));
    let mut failed = Vec::new();
    for (name, check) in TARGETS.into_iter().filter(|(name, _)| is_wanted(name)) {
        let files = seeds(name);
        println!("corpus of {name}: {} inputs", files.len());
        assert!(!files.is_empty(), "fuzz/seeds/{name} has no input");
        for file in files {
            let bytes = fs::read(&file).expect("an input");
            if catch_unwind(|| check(&bytes)).is_err() {
                failed.push(file);
            }
        }
    }
    let memory = most_memory_kib();
    if memory > MAX_MEMORY_KIB {
        println!("the process took {memory} KiB, and {MAX_MEMORY_KIB} are allowed");
        return ExitCode::FAILURE;
    }
    for file in &failed {
        println!("FAILED: {}", file.display());
    }
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Checks changed inputs of each target for a while. An input that fails is kept in a file.
fn mutate(length: Duration, filters: &[String]) -> ExitCode {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut random = Random::new(now.map_or(1, |now| u64::from(now.subsec_nanos())));
    let mut failures = 0;
    for (name, check) in TARGETS {
        if !filters.is_empty() && !filters.iter().any(|filter| filter == name) {
            continue;
        }
        let files = seeds(name);
        let inputs = files.iter().map(|file| fs::read(file).expect("an input"));
        let inputs: Vec<Vec<u8>> = inputs.collect();
        let (began, mut checked, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
        while began.elapsed() < length {
            let (one, other) = (random.below(inputs.len()), random.below(inputs.len()));
            let input = mutated(&inputs[one], &inputs[other], &mut random);
            let start = Instant::now();
            if catch_unwind(|| check(&input)).is_err() || start.elapsed() > Duration::from_secs(20)
            {
                let file = std::env::temp_dir().join(format!("{name}-{failures}"));
                fs::write(&file, &input).expect("a file");
                println!("FAILED after {:?}: {}", start.elapsed(), file.display());
                failures += 1;
            }
            slowest = slowest.max(start.elapsed());
            checked += 1;
        }
        println!("{name}: {checked} changed inputs, the slowest took {slowest:?}");
    }
    println!("the most memory was {} KiB", most_memory_kib());
    ExitCode::from(u8::from(failures > 0))
}

fn component(bytes: &[u8]) {
    let program = std::env::current_exe().expect("this program");
    checks::component(&program, bytes);
}

/// Returns the kept inputs of a target, in the order of their names.
fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/seeds");
    let entries = fs::read_dir(folder.join(target)).into_iter().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// Returns the most resident memory that this process had; 0 where the system does not report it.
fn most_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
