//! `mockfleet report`: writes the page of a run.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::log_location::require_log;
use crate::cli::support::run_metadata;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use mockfleet_config::{Store, did_you_mean};
use mockfleet_files::foreign_text::shell_word;
use mockfleet_metrics::{bytes, count, plural};
use mockfleet_report::{PageData, page};
use mockfleet_sendlog::{LogError, Timeline};

/// Writes one page of a run: target and actual rate, latency and lag over time, outcomes and their
/// causes, faults, connections, the worst devices, the checks, the fleet file, and the command
/// that repeats the run.
///
/// The page is one file: it needs no network, follows the reader's choice of light and
/// dark, and can be printed. The log is read once, and only the columns that are needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet report                                  # the last run in mockfleet-logs
  mockfleet report logs -o report.html
  mockfleet report s3://bucket/prefix --run 01M8835DCGFEHSEP2HFFMX1S1Y

docs/verdicts.md shows one.")]
pub(crate) struct Arguments {
    /// The log: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LOG", default_value = "mockfleet-logs", value_parser = Store::parse)]
    log: Store,
    /// The page to write; - is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// The id of the run [default: the last one].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

pub(crate) fn report(arguments: &Arguments) -> Result<Ending, Failure> {
    let looked = |error: LogError| refused("LOG", error.to_string());
    require_log("LOG", &arguments.log)?;
    let location = mockfleet_sendlog::location(&arguments.log);
    let run = chosen(arguments, &location)?;
    let noted = mockfleet_sendlog::read_run_metadata(&arguments.log, &run).map_err(looked)?;
    let left = mockfleet_sendlog::spool_folders(&arguments.log);
    let left = left.iter().find(|left| left.run == run);
    let began = Instant::now();
    let bar = Bar::new();
    let by_the_machine = noted
        .as_ref()
        .and_then(|note| note.get("clock"))
        .is_none_or(serde_json::Value::is_null);
    let timeline =
        mockfleet_sendlog::timeline(&arguments.log, &run, by_the_machine, |done, all| {
            bar.show(done, all);
        });
    bar.clear();
    let timeline = timeline.map_err(looked)?;
    for aside in &timeline.skipped {
        err!(
            "warning: {} is not in the report: {}",
            aside.file,
            aside.why
        );
    }
    if let Some(left) = left {
        err!(
            "warning: rows of this run are still in the spool ({}); `mockfleet logs recover {}` brings them to the log",
            left.state.as_str(),
            shell_word(&location)
        );
    }
    let html = page(&PageData {
        timeline: &timeline,
        note: noted.as_ref(),
        location: &location,
        made: &run_metadata::now(),
        spooled: left.map(|left| left.state.as_str()),
    });
    write(&arguments.output, &html)?;
    if arguments.output != Path::new("-") {
        out!(
            "{}",
            written_text(&arguments.output, &timeline, html.len(), began.elapsed())
        );
    }
    Ok(Ending::Done)
}

/// Returns the run that was named, or the last one.
fn chosen(arguments: &Arguments, location: &str) -> Result<String, Failure> {
    let runs = mockfleet_sendlog::runs(&arguments.log)
        .map_err(|error| refused("LOG", error.to_string()))?;
    match (&arguments.run, runs.last()) {
        (_, None) => Err(refused(
            "LOG",
            format!(
                "there is no run in {location}; give the folder that a log is in, or s3://bucket/prefix (after a crash, `mockfleet logs recover {}` first)",
                shell_word(location)
            ),
        )),
        (None, Some(last)) => Ok(last.clone()),
        (Some(run), Some(_)) if runs.contains(run) => Ok(run.clone()),
        (Some(run), Some(_)) => {
            // There may be thousands of runs, so list the last five.
            let last = runs.iter().rev().take(5).map(String::as_str);
            Err(refused(
                "--run",
                format!(
                    "there is no run {run:?} in {location}{}; `mockfleet logs stats {location}` lists all",
                    did_you_mean(run, last)
                ),
            ))
        }
    }
}

fn write(file: &Path, html: &str) -> Result<(), Failure> {
    if file == Path::new("-") {
        // A closed pipe is ignored.
        let _ = std::io::stdout().write_all(html.as_bytes());
        return Ok(());
    }
    std::fs::write(file, html).map_err(|error| {
        refused(
            "--output",
            format!(
                "{} cannot be written: {error}; give a file in a folder that is there",
                file.display()
            ),
        )
    })
}

fn written_text(file: &Path, timeline: &Timeline, length: usize, took: Duration) -> String {
    let rows = timeline.rows + timeline.events;
    format!(
        "{}: run {}, {} of {}, read in {:.1} s",
        file.display(),
        timeline.run,
        bytes(u64::try_from(length).unwrap_or(u64::MAX)),
        plural(rows, "row"),
        took.as_secs_f64(),
    )
}

/// Shows the progress of reading: a bar on a terminal, lines elsewhere.
struct Bar {
    bar: Option<ProgressBar>,
    told: Mutex<Instant>,
}

/// Time between two lines.
const LINE: Duration = Duration::from_secs(5);

impl Bar {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "reading {bar:30} {percent:>3} % {human_pos} of {human_len} rows, {per_sec}, {eta} left",
            );
            let bar = ProgressBar::new(0);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self {
            bar,
            told: Mutex::new(Instant::now()),
        }
    }

    fn show(&self, done: u64, all: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(all);
            bar.set_position(done);
            return;
        }
        // If another thread holds the lock, it prints the line.
        if let Ok(mut told) = self.told.try_lock()
            && told.elapsed() > LINE
        {
            *told = Instant::now();
            err!("reading: {} of {}", count(done), plural(all, "row"));
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
