//! Parses the command line and runs its command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::author::{build, bundle, cache, describe, inspect, new, schema, try_plugin};
use crate::cli::logs;
use crate::cli::run::{self, backfill, check, demo, estimate, replay, report, verify};
use crate::cli::support::exit::exit_code;

/// Runs fleets of virtual IoT devices.
///
/// A device's behaviour is a WebAssembly component. mockfleet calls every device at
/// the asked rate, sends what it returns to your backend over MQTT or HTTP, and
/// writes one row for every message as Parquet.
///
/// Start with `mockfleet demo`: everything it needs is built in.
#[derive(Debug, Parser)]
#[command(
    name = "mockfleet",
    version,
    after_help = "Exit codes: 0 done, 1 the run failed (nothing arrived, the log is not whole, or a check did not hold, of verify too; with try --schema: a payload did not fit; with --until: no limit was found), 2 bad input, 130 interrupted.\nResults go to standard output, talk to standard error."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Run(run::command::Arguments),
    Backfill(backfill::Arguments),
    Check(check::Arguments),
    Estimate(estimate::command::Arguments),
    Describe(describe::Arguments),
    Try(try_plugin::arguments::Arguments),
    New(new::command::Arguments),
    Build(build::Arguments),
    Bundle(bundle::Arguments),
    Inspect(inspect::Arguments),
    Cache(cache::Arguments),
    Schema(schema::Arguments),
    Logs(logs::command::Arguments),
    Report(report::Arguments),
    Replay(replay::command::Arguments),
    Verify(verify::command::Arguments),
}

/// Does what the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    // One cryptography for the whole program; a second call would find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Run(arguments) => run::command::run(&arguments),
        Command::Backfill(arguments) => backfill::backfill(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Estimate(arguments) => estimate::command::estimate(&arguments),
        Command::Describe(arguments) => describe::describe(&arguments),
        Command::Try(arguments) => try_plugin::command::try_plugin(&arguments),
        Command::New(arguments) => new::command::new(&arguments),
        Command::Build(arguments) => build::build(&arguments),
        Command::Bundle(arguments) => bundle::bundle(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Cache(arguments) => cache::cache(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Logs(arguments) => logs::command::logs(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Replay(arguments) => replay::command::replay(&arguments),
        Command::Verify(arguments) => verify::command::verify(&arguments),
    };
    exit_code(result)
}
