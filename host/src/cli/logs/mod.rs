//! `mockfleet logs`: what can be done with a send log that lies in its store.

mod ddl;
mod digest;
mod prune;
pub(super) mod recover;
pub(super) mod stats;

use clap::Subcommand;

use super::{Ending, Failure};
use mockfleet_config::Store;

/// Works with the send log that runs have left in a folder or a bucket.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
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

/// Which log is meant.
#[derive(Debug, clap::Args)]
struct Place {
    /// Where the log is: a folder, or s3://bucket/prefix.
    #[arg(default_value = "mockfleet-logs", value_parser = Store::parse)]
    store: Store,
    /// The same by name, for scripts.
    #[arg(long = "store", value_name = "STORE", value_parser = Store::parse, conflicts_with = "store")]
    named: Option<Store>,
}

impl Place {
    fn store(&self) -> &Store {
        self.named.as_ref().unwrap_or(&self.store)
    }
}

pub(super) fn logs(arguments: &Arguments) -> Result<Ending, Failure> {
    match &arguments.command {
        Command::Recover(arguments) => recover::recover(arguments),
        Command::Ddl(arguments) => ddl::ddl(arguments),
        Command::Stats(arguments) => stats::stats(arguments),
        Command::Digest(arguments) => digest::digest(arguments),
        Command::Prune(arguments) => prune::prune(arguments),
    }
}
