//! Reports the compiling of plugins, which takes seconds for interpreters.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::ui::out::err;
use mockfleet_files::foreign_text::for_line;
use mockfleet_metrics::bytes;
use mockfleet_plugin::{CompileEvent, CompileObserver};

/// Longest compiling that is not reported.
const QUICK: Duration = Duration::from_millis(500);

/// Interval of the spinner.
const TURN: Duration = Duration::from_millis(100);

/// A thread that reports a compilation once it takes longer than `QUICK`.
struct CompileReport {
    over: Sender<()>,
    thread: JoinHandle<bool>,
}

impl CompileReport {
    fn begin(text: String) -> Self {
        let (over, end) = channel();
        let thread = std::thread::spawn(move || {
            if end.recv_timeout(QUICK) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            let spinner = spinner(&text);
            if spinner.is_none() {
                err!("{text}");
            }
            // Ends in an error when the other side is dropped, which is an end as well.
            let _ = end.recv();
            if let Some(spinner) = spinner {
                spinner.finish_and_clear();
            }
            true
        });
        Self { over, thread }
    }

    /// Ends the report, and returns whether a line was printed.
    fn end(self) -> bool {
        drop(self.over);
        self.thread.join().unwrap_or(false)
    }
}

/// Returns an observer that reports to standard error.
pub(crate) fn observer() -> CompileObserver {
    let report: Mutex<Option<CompileReport>> = Mutex::new(None);
    Arc::new(move |event| {
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            CompileEvent::Started(file, size) => {
                *report = Some(CompileReport::begin(line(file, size)))
            }
            CompileEvent::Finished(file, took) => {
                if report.take().is_some_and(CompileReport::end) {
                    let seconds = took.as_secs_f64();
                    err!("compiled {} in {seconds:.1} s", short(file));
                }
            }
            CompileEvent::Failed => {
                report.take().map(CompileReport::end);
            }
            CompileEvent::CacheRefused(why) => err!("warning: {why}"),
        }
    })
}

fn line(file: &str, size: u64) -> String {
    format!(
        "compiling {} ({}) for this machine, once",
        short(file),
        bytes(size)
    )
}

/// Removes `./` from a path.
fn short(file: &str) -> &str {
    file.strip_prefix("./").unwrap_or(file)
}

/// Creates a spinner with the elapsed time, on a terminal.
fn spinner(text: &str) -> Option<ProgressBar> {
    let target = ProgressDrawTarget::stderr();
    if target.is_hidden() {
        return None;
    }
    let bar = ProgressBar::with_draw_target(None, target);
    // A template of this crate's own, which holds.
    let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(for_line(text).into_owned());
    bar.enable_steady_tick(TURN);
    Some(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_compiling_is_not_reported() {
        assert!(!CompileReport::begin("nothing".into()).end());
    }

    #[test]
    fn the_line_names_file_and_size() {
        assert_eq!(
            line("./sensor.wasm", 18_454_938),
            "compiling sensor.wasm (17.6 MiB) for this machine, once"
        );
    }
}
