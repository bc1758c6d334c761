//! `mockfleet logs recover`: what a dead process left behind becomes rows.

use crate::cli::print::say;
use crate::cli::{Ending, Failure};
use mockfleet_metrics::count;
use mockfleet_sendlog::Recovered;

/// Finishes the runs of a store whose process was killed or lost its power: rows that
/// were counted become Parquet, files that were on their way arrive.
///
/// `mockfleet run` does the same for its own store before it begins. Runs under way
/// are left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs recover
  mockfleet logs recover s3://bucket/prefix")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    log: super::Place,
}

pub(in crate::cli) fn recover(arguments: &Arguments) -> Result<Ending, Failure> {
    let store = arguments.log.store();
    let recovered =
        mockfleet_sendlog::recover(store).map_err(|error| Failure::Other(error.into()))?;
    if recovered.is_empty() {
        say!(
            "{}: nothing was left behind",
            mockfleet_sendlog::location(store)
        );
    }
    recovered.iter().for_each(|run| say!("{}", said(run)));
    Ok(Ending::Done)
}

/// What became of one run's spool, in a sentence.
pub(crate) fn said(run: &Recovered) -> String {
    let mut text = format!(
        "recovered run {}: {} rows in sends ({} of them unconfirmed: the process ended before their outcome was known), {} in events; {} files brought to the store",
        run.run,
        count(run.rows),
        count(run.unconfirmed),
        count(run.events),
        count(run.files)
    );
    if let Some((bytes, folder)) = &run.set_aside {
        text.push_str(&format!(
            "; {} bytes could not be read and are set aside in {}",
            count(*bytes),
            folder.display()
        ));
    }
    text
}
