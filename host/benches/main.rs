//! Runs the benchmarks, each a file with the same name.
//!
//! The head of each file has its measurement and its options. All are one program, since
//! linking mockfleet to each would take minutes. Each runs in its own process, so that its
//! memory is its own.
//!
//! ```text
//! cargo bench                                 every one of them
//! cargo bench -- tick [OPTIONS OF IT]         one
//! cargo bench -- tick path --short            some, in a form that proves that they run
//! ```
#![expect(clippy::expect_used, reason = "a benchmark that cannot run says so")]

mod count;
mod devices;
mod load;
mod measure;
mod sendlog;

use std::process::{Command, ExitCode};

// The plugin's tests, which cargo compiles too, use this path.
#[allow(unused_imports)]
use measure::guests::Thermometer;

use devices::{day, scenario, start, tick};
use load::{http, path, scale, schedule};
use sendlog::{backfill, log, recover, report, stages};

/// The name of a benchmark, the program that it needs, and its function.
type Benchmark = (&'static str, Option<&'static str>, fn());

const BENCHMARKS: [Benchmark; 15] = [
    ("tick", None, tick::main),
    ("scenario", None, scenario::main),
    ("day", None, day::main),
    ("log", None, log::main),
    ("backfill", None, backfill::main),
    ("report", None, report::main),
    ("recover", None, recover::main),
    ("stages", None, stages::main),
    ("start", None, start::main),
    ("http", None, http::main),
    ("path", Some("mosquitto"), path::main),
    ("schedule", Some("mosquitto"), schedule::main),
    ("million", Some("mosquitto"), schedule::million),
    ("scale", Some("mosquitto"), scale::main),
    ("count", Some("valgrind"), count::main),
];

fn main() -> ExitCode {
    // Cargo adds `--bench` to the arguments.
    let given = std::env::args().skip(1);
    let given: Vec<String> = given.filter(|argument| argument != "--bench").collect();
    match given.first().map(String::as_str) {
        Some("bare") => measure::bare_loop(),
        Some("loop") => count::run_loop(),
        Some("spool") => recover::abort_with_spool(),
        Some("alone") => {
            let name = given.get(1).map(String::as_str);
            let found = BENCHMARKS.iter().find(|(known, ..)| Some(*known) == name);
            match found {
                Some((_, _, run)) => run(),
                None => return unknown(name.unwrap_or_default()),
            }
        }
        _ => return each(&given),
    }
    ExitCode::SUCCESS
}

/// Runs the named benchmarks, or all, one after the other.
fn each(given: &[String]) -> ExitCode {
    let names = given
        .iter()
        .take_while(|argument| !argument.starts_with("--"));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let options = given.get(names.len()..).unwrap_or_default();
    let known = |name: &&str| BENCHMARKS.iter().any(|(known, ..)| known == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return unknown(name);
    }
    let wanted = BENCHMARKS
        .iter()
        .filter(|(name, ..)| names.is_empty() || names.contains(name));
    let mut failed = false;
    for (name, needs, _) in wanted {
        if let Some(program) = needs.filter(|program| !installed(program)) {
            println!("{program} is missing: {name} is left out");
            continue;
        }
        println!("== {name}");
        let myself = std::env::current_exe().map(Command::new);
        let status =
            myself.and_then(|mut myself| myself.args(["alone", name]).args(options).status());
        if !status.is_ok_and(|status| status.success()) {
            eprintln!("{name} failed");
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed))
}

fn unknown(name: &str) -> ExitCode {
    let known: Vec<&str> = BENCHMARKS.iter().map(|(name, ..)| *name).collect();
    eprintln!(
        "no benchmark is named {name:?}; there are: {}",
        known.join(", ")
    );
    ExitCode::from(2)
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
