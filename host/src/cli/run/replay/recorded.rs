//! Opens the recording that the command line names.

use crate::cli::support::log_location::require_log;
use mockfleet_config::{Problems, Store};
use mockfleet_sendlog::LogFiles;
use mockfleet_tables::Table;

/// A recording: a log, or a table of another origin.
pub(crate) struct Recorded {
    pub(crate) table: Table,
    pub(crate) is_log: bool,
    pub(crate) notes: Vec<String>,
}

impl Recorded {
    pub(crate) fn open(text: &str, run: Option<&str>) -> Result<Self, Problems> {
        let is_store =
            text.starts_with("s3://") || std::path::Path::new(text).join("sends").is_dir();
        if is_store {
            return Self::log(text, run);
        }
        if let Some(run) = run {
            return Err(Problems::one(
                "--run",
                format!("{text} is no log of mockfleet's, so it has no run {run}; leave --run out"),
            ));
        }
        if text.ends_with(".toml") {
            require_log("LOG|FILE", &Store::Folder(text.into()))?;
        }
        let table = Table::open(text, None, "LOG|FILE")?;
        // The file belongs to a log, but is outside its folder.
        let is_log = ["log_seq", "device_id", "scheduled_at", "payload"]
            .iter()
            .all(|column| table.has(column));
        Ok(Self {
            table,
            is_log,
            notes: Vec::new(),
        })
    }

    fn log(text: &str, run: Option<&str>) -> Result<Self, Problems> {
        let wrong = |why: String| Problems::one("LOG|FILE", why);
        let store = Store::parse(text).map_err(|why| wrong(why.to_string()))?;
        let files = LogFiles::find(&store).map_err(|error| wrong(error.to_string()))?;
        let runs = files.runs();
        let Some(newest) = runs.last() else {
            return Err(wrong(format!(
                "{text} holds no messages of mockfleet; give a log with messages, or a file of them"
            )));
        };
        let mut notes = Vec::new();
        let run = match run {
            Some(run) if runs.contains(&run) => run,
            Some(run) => {
                let known = runs.iter().rev().take(12).copied().collect::<Vec<_>>();
                return Err(Problems::one(
                    "--run",
                    format!("{text} has no run {run}; it has {}", known.join(", ")),
                ));
            }
            None => {
                if runs.len() > 1 {
                    notes.push(format!(
                        "{text} holds {} runs, and the newest is taken: --run {newest}",
                        runs.len()
                    ));
                }
                newest
            }
        };
        Ok(Self {
            table: Table::from_log(text, files.of_run(run))?,
            is_log: true,
            notes,
        })
    }
}
