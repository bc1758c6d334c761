//! The command line: what a person types, and which command answers. One file a
//! command; the only place where all modules meet.

mod backfill;
mod build;
mod bundle;
mod cache;
mod changes;
mod check;
mod compiling;
mod console;
mod demo;
mod describe;
mod given;
mod inspect;
mod logs;
mod new;
mod note;
mod plan;
mod print;
mod replay;
mod report;
mod run;
mod schema;
mod try_plugin;
mod verify;
mod watch;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::print::tell;
use mockfleet_config::Problems;

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
    Run(run::Arguments),
    Backfill(backfill::Arguments),
    Check(check::Arguments),
    Plan(plan::Arguments),
    Describe(describe::Arguments),
    Try(try_plugin::Arguments),
    New(new::Arguments),
    Build(build::Arguments),
    Bundle(bundle::Arguments),
    Inspect(inspect::Arguments),
    Cache(cache::Arguments),
    Schema(schema::Arguments),
    Logs(logs::Arguments),
    Report(report::Arguments),
    Replay(replay::Arguments),
    Verify(verify::Arguments),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// All is well.
    Done,
    /// The run failed.
    Failed,
    /// The user stopped it.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the user gave is wrong; exit code 2.
    Input(Problems),
    /// Anything else; exit code 1.
    Other(anyhow::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Input(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Does what the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    // One cryptography for the whole program; a second call would find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = match Arguments::parse().command {
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Backfill(arguments) => backfill::backfill(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Describe(arguments) => describe::describe(&arguments),
        Command::Try(arguments) => try_plugin::try_plugin(&arguments),
        Command::New(arguments) => new::new(&arguments),
        Command::Build(arguments) => build::build(&arguments),
        Command::Bundle(arguments) => bundle::bundle(&arguments),
        Command::Inspect(arguments) => inspect::inspect(&arguments),
        Command::Cache(arguments) => cache::cache(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Logs(arguments) => logs::logs(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Replay(arguments) => replay::replay(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
    };
    match answer {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::from(1),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        Err(Failure::Input(problems)) => {
            tell!("{problems}");
            ExitCode::from(2)
        }
        Err(Failure::Other(error)) => {
            tell!("mockfleet: {error:#}");
            ExitCode::from(1)
        }
    }
}
