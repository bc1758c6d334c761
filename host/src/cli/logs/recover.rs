//! `mockfleet logs recover`: completes the log of a killed process.

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::log_location::{require_log, require_objects};
use crate::cli::support::recovery::recovered_text;
use crate::cli::ui::out::out_line;
use mockfleet_files::foreign_text::for_line;

/// Completes the runs of a log whose process was killed or lost its power: counted rows become
/// Parquet, and finished files are uploaded.
///
/// `mockfleet run` does the same for its own log before it begins. Active runs are left alone.
/// A fleet file, another file, or a store that does not exist is no log (exit code 2).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs recover
  mockfleet logs recover s3://bucket/prefix")]
pub(crate) struct Arguments {
    #[command(flatten)]
    log: crate::cli::logs::log_argument::LogArgument,
}

pub(crate) fn recover(arguments: &Arguments) -> Result<Ending, Failure> {
    let store = arguments.log.store();
    require_log("LOG", store)?;
    // The text of the error has its causes: a source would be printed twice.
    let recovered = mockfleet_sendlog::recover(store).map_err(anyhow::Error::msg)?;
    if recovered.runs.is_empty() && recovered.refused.is_empty() {
        require_objects(store)?;
        out_line!(
            "{}: nothing was left behind",
            mockfleet_sendlog::location(store)
        );
    }
    let runs = recovered.runs.iter();
    runs.for_each(|run| out_line!("{}", recovered_text(run)));
    if recovered.refused.is_empty() {
        return Ok(Ending::Done);
    }
    let refused = recovered.refused.iter();
    let refused: Vec<String> = refused
        .map(|error| for_line(&error.to_string()).into_owned())
        .collect();
    Err(anyhow::Error::msg(refused.join("\n")).into())
}
