//! Runs a fleet file, and prints the counters of the run.
//!
//! `fleet.toml` is in this folder. `--no-send` writes rows to the log, and sends nothing:
//!
//! ```sh
//! cargo run -p mockfleet-engine --example run_fleet -- \
//!     host/crates/engine/examples/fleet.toml --no-send log.store=/tmp/hall
//! ```
//!
//! Without `--no-send` the messages go to the broker of the fleet file. Each `KEY=VALUE`
//! changes a key of the file. The output:
//!
//! ```text
//! 10 devices on 2 workers
//! 3600 ticks, 0 missed
//! 3600 messages: 0 acked, 0 sent, 0 failed, 0 dropped, 3600 written
//! 3600 rows in 2 files
//! ```

use std::path::Path;

use mockfleet_config::{Fleet, Override};
use mockfleet_engine::{Finished, RunOptions, prepare};
use mockfleet_plugin::Engine;

type Failed = Box<dyn std::error::Error>;

/// Prepares a fleet, runs it to its end, and closes its log.
fn run(file: &Path, changes: &[Override], options: &RunOptions) -> Result<Finished, Failed> {
    let fleet = Fleet::read(file, changes).map_err(|invalid| invalid.problems)?;
    let engine = Engine::new()?
        .with_builtins(|name| mockfleet_builtin::find(name).map_err(|error| error.to_string()));
    // Reports all problems at once, before the first message is sent.
    let running = prepare(&fleet, &engine, options)?.start();
    Ok(running.finish(|_| {}))
}

fn print(finished: &Finished) {
    let counters = &finished.counters;
    println!(
        "{} devices on {} workers",
        finished.devices, finished.workers
    );
    println!("{} ticks, {} missed", counters.ticks, counters.missed_ticks);
    println!(
        "{} messages: {} acked, {} sent, {} failed, {} dropped, {} written",
        counters.messages,
        counters.acked,
        counters.sent,
        counters.failed,
        counters.dropped,
        counters.written
    );
    let log = &finished.log.counters;
    println!("{} rows in {} files", log.rows, log.files);
}

/// Runs the example with the arguments of its command line.
fn run_arguments(arguments: impl Iterator<Item = String>) -> Result<Finished, Failed> {
    let mut file = None;
    let mut changes = Vec::new();
    let mut options = RunOptions::default();
    for argument in arguments {
        match argument.as_str() {
            "--no-send" => options = options.with_sends(false),
            change if change.contains('=') => {
                changes.push(Override::parse(change).map_err(|problem| problem.to_string())?)
            }
            _ => file = Some(argument),
        }
    }
    let file = file.ok_or("usage: run_fleet FILE [--no-send] [KEY=VALUE]...")?;
    let finished = run(Path::new(&file), &changes, &options)?;
    print(&finished);
    match &finished.log.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(finished),
    }
}

fn main() -> Result<(), Failed> {
    run_arguments(std::env::args().skip(1))?;
    Ok(())
}

#[test]
fn example_writes_a_row_for_each_message() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/fleet.toml");
    let store = format!("log.store={}", folder.path().display());
    let arguments = [file, "--no-send", &store].map(str::to_owned);
    let finished = run_arguments(arguments.into_iter())?;
    assert!(finished.counters.messages > 0);
    let store = mockfleet_config::Store::Folder(folder.path().to_owned());
    let rows = mockfleet_sendlog::stats(&store)?.total().sends.rows;
    assert_eq!(rows, finished.counters.messages);
    Ok(())
}
