//! `mockfleet report`: a run as one page.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::describe::refused;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::{Store, did_you_mean};
use mockfleet_metrics::{bytes, count};
use mockfleet_report::{Told, page};
use mockfleet_sendlog::{LogError, Survey};

/// Writes a run as one page: rate asked and reached, latency and lag over time, what became
/// of the messages and why, faults, connections, the worst devices, the checks, and the
/// fleet file with the command that runs it again.
///
/// The page is one file: it needs no network, follows the reader's choice of light and
/// dark, and can be printed. The log is read once, and only the columns that are needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet report                                  # the last run in mockfleet-logs
  mockfleet report logs -o report.html
  mockfleet report s3://bucket/prefix --run 01M8835DCGFEHSEP2HFFMX1S1Y

docs/verdicts.md shows one.")]
pub(super) struct Arguments {
    /// Where the log is: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LOG", default_value = "mockfleet-logs", value_parser = Store::parse)]
    log: Store,
    /// Where the page goes; - is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Which run, by its id [default: the last one].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

pub(super) fn report(arguments: &Arguments) -> Result<Ending, Failure> {
    let looked = |error: LogError| refused("LOG", error.to_string());
    let location = mockfleet_sendlog::location(&arguments.log);
    let run = chosen(arguments, &location)?;
    let noted = mockfleet_sendlog::noted(&arguments.log, &run).map_err(looked)?;
    let left = mockfleet_sendlog::left_behind(&arguments.log);
    let left = left.iter().find(|left| left.run == run);
    let began = Instant::now();
    let bar = Bar::new();
    let by_the_machine = noted
        .as_ref()
        .and_then(|note| note.get("clock"))
        .is_none_or(serde_json::Value::is_null);
    let survey = mockfleet_sendlog::survey(&arguments.log, &run, by_the_machine, |done, all| {
        bar.show(done, all);
    });
    bar.clear();
    let survey = survey.map_err(looked)?;
    for aside in &survey.aside {
        tell!(
            "warning: {} is not in the report: {}",
            aside.file,
            aside.why
        );
    }
    if let Some(left) = left {
        tell!(
            "warning: rows of this run are still in the spool ({}); `mockfleet logs recover {location}` brings them to the log",
            left.state.word()
        );
    }
    let html = page(&Told {
        survey: &survey,
        note: noted.as_ref(),
        location: &location,
        made: &super::note::now(),
        spooled: left.map(|left| left.state.word()),
    });
    write(&arguments.output, &html)?;
    if arguments.output != Path::new("-") {
        say!(
            "{}",
            said(&arguments.output, &survey, html.len(), began.elapsed())
        );
    }
    Ok(Ending::Done)
}

/// The run that is asked for, or the last one.
fn chosen(arguments: &Arguments, location: &str) -> Result<String, Failure> {
    let runs = mockfleet_sendlog::runs(&arguments.log)
        .map_err(|error| refused("LOG", error.to_string()))?;
    match (&arguments.run, runs.last()) {
        (_, None) => Err(refused(
            "LOG",
            format!(
                "there is no run in {location}; give the folder that a log is in, or s3://bucket/prefix (after a crash, `mockfleet logs recover {location}` first)"
            ),
        )),
        (None, Some(last)) => Ok(last.clone()),
        (Some(run), Some(_)) if runs.contains(run) => Ok(run.clone()),
        (Some(run), Some(_)) => {
            // All of them may be thousands.
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
        // A reader that has gone is no trouble.
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

fn said(file: &Path, survey: &Survey, length: usize, took: Duration) -> String {
    let rows = survey.rows + survey.events;
    format!(
        "{}: run {}, {} of {} rows, read in {:.1} s",
        file.display(),
        survey.run,
        bytes(u64::try_from(length).unwrap_or(u64::MAX)),
        count(rows),
        took.as_secs_f64(),
    )
}

/// How far reading is: a bar on a terminal, plain lines every few seconds elsewhere.
struct Bar {
    bar: Option<ProgressBar>,
    told: Mutex<Instant>,
}

/// How often there is a plain line.
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
        // Whoever finds it taken has nothing new to say.
        if let Ok(mut told) = self.told.try_lock()
            && told.elapsed() > LINE
        {
            *told = Instant::now();
            tell!("reading: {} of {} rows", count(done), count(all));
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
