//! Parses the command line and runs its command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::author::{build, bundle, cache, describe, inspect, new, schema, try_plugin};
use crate::cli::logs;
use crate::cli::run::{self, backfill, check, demo, estimate, replay, report, verify};
use crate::cli::support::exit::{Failure, exit_code};
use crate::cli::ui::log_events::{self, LogLevel};

/// Runs fleets of virtual IoT devices.
///
/// A device's behaviour is a WebAssembly component. mockfleet calls every device at its rate,
/// sends the messages to your backend over MQTT or HTTP, and writes one row for every message as
/// Parquet.
///
/// Start with `mockfleet demo`, which needs nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "mockfleet",
    version,
    after_help = "Exit codes: 0 done, 1 the run failed (nothing arrived, the log is incomplete, or a check failed, of verify too; with try --schema: a payload did not fit; with --until: no limit was found), 2 bad input, 130 interrupted.\nResults go to standard output, messages to standard error."
)]
pub(crate) struct Arguments {
    /// Write log events of mockfleet to standard error, up to this level [default: off, or the
    /// filter in MOCKFLEET_LOG].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "LEVEL",
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    log_level: Option<LogLevel>,
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
    /// Compiles the component on standard input: a child process of this program.
    #[command(hide = true)]
    CompileComponent {
        reservation: String,
    },
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    // One cryptography provider for the whole program. A second call fails, and is ignored.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    if let Err(problems) = log_events::start(arguments.log_level) {
        return exit_code(Err(Failure::Input(problems)));
    }
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "started");
    let result = match arguments.command {
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
        Command::CompileComponent { reservation } => {
            return mockfleet_plugin::compile_component(&reservation);
        }
    };
    tracing::debug!(?result, "command ended");
    exit_code(result)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Returns the help of a command and of those below it, each under its own name.
    fn helps(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let help = command.clone().render_long_help().to_string();
        found.push((path.to_owned(), help));
        for below in command.get_subcommands() {
            if below.get_name() != "help" && !below.is_hide_set() {
                helps(below, &format!("{path}-{}", below.get_name()), found);
            }
        }
    }

    #[test]
    fn help_of_each_command_is_as_in_its_snapshot() {
        let mut command = Arguments::command().term_width(100);
        command.build();
        let mut found = Vec::new();
        helps(&command, "mockfleet", &mut found);
        assert!(found.len() > 20, "{}", found.len());
        for (path, help) in found {
            insta::assert_snapshot!(format!("help-{path}"), help);
        }
    }

    #[test]
    fn errors_of_arguments_are_as_in_their_snapshot() {
        let lines = [
            "plan fleet.toml",
            "run",
            "run fleet.toml --log-level loud",
            "run fleet.toml --junit x.xml --until failed>1%",
            "estimate fleet.toml --hours 800",
            "logs prune",
            "logs ddl --engine mysql",
            "replay log --to x --speed fast",
            "verify log --received x --by device",
        ];
        let errors: Vec<String> = lines
            .iter()
            .map(|line| {
                let words = ["mockfleet"].into_iter().chain(line.split(' '));
                let error = Arguments::try_parse_from(words).err();
                let text = error.map(|error| error.to_string()).unwrap_or_default();
                format!("$ mockfleet {line}\n{text}")
            })
            .collect();
        insta::assert_snapshot!("errors", errors.join("\n"));
    }
}
