//! `mockfleet logs`: the send log after the run.

pub(super) mod recover;

use clap::Subcommand;

use super::{Ending, Failure};

/// Looks after send logs: finishes what a dead process left behind.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Recover(recover::Arguments),
}

pub(super) fn logs(arguments: &Arguments) -> Result<Ending, Failure> {
    match &arguments.command {
        Command::Recover(arguments) => recover::recover(arguments),
    }
}
