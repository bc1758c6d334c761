//! `mockfleet logs`: selects a command for send logs.

use clap::Subcommand;

use crate::cli::logs::{ddl, digest, prune, recover, stats};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;

/// Works with a send log in a folder or a bucket.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Recover(recover::Arguments),
    Ddl(ddl::Arguments),
    Stats(stats::Arguments),
    Digest(digest::Arguments),
    Prune(prune::Arguments),
}

pub(crate) fn logs(arguments: &Arguments) -> Result<Ending, Failure> {
    match &arguments.command {
        Command::Recover(arguments) => recover::recover(arguments),
        Command::Ddl(arguments) => ddl::ddl(arguments),
        Command::Stats(arguments) => stats::stats(arguments),
        Command::Digest(arguments) => digest::digest(arguments),
        Command::Prune(arguments) => prune::prune(arguments),
    }
}
