//! What is said while a plugin is compiled: for an interpreter that takes seconds, once.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::print::tell;
use mockfleet_metrics::bytes;
use mockfleet_plugin::{CompileEvent, CompileObserver};

/// What takes no longer is not worth a line.
const QUICK: Duration = Duration::from_millis(500);

/// Between two looks of the spinner.
const TURN: Duration = Duration::from_millis(100);

/// Someone who waits for the end of a compilation, and whether they have said a line of it.
struct Waiting {
    over: Sender<()>,
    teller: JoinHandle<bool>,
}

impl Waiting {
    fn begin(text: String) -> Self {
        let (over, end) = channel();
        let teller = std::thread::spawn(move || {
            if end.recv_timeout(QUICK) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            let spinner = spinner(&text);
            if spinner.is_none() {
                tell!("{text}");
            }
            // Ends in an error when the other side is dropped, which is an end as well.
            let _ = end.recv();
            if let Some(spinner) = spinner {
                spinner.finish_and_clear();
            }
            true
        });
        Self { over, teller }
    }

    /// Whether something was said.
    fn end(self) -> bool {
        drop(self.over);
        self.teller.join().unwrap_or(false)
    }
}

/// Tells people of compilations, on standard error.
pub(super) fn watch() -> CompileObserver {
    let waiting: Mutex<Option<Waiting>> = Mutex::new(None);
    Arc::new(move |what| {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match what {
            CompileEvent::Started(file, size) => *waiting = Some(Waiting::begin(line(file, size))),
            CompileEvent::Finished(file, took) => {
                if waiting.take().is_some_and(Waiting::end) {
                    let seconds = took.as_secs_f64();
                    tell!("compiled {} in {seconds:.1} s", short(file));
                }
            }
            CompileEvent::Failed => {
                waiting.take().map(Waiting::end);
            }
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

/// A path without the `./` of where one stands.
fn short(file: &str) -> &str {
    file.strip_prefix("./").unwrap_or(file)
}

/// Turns on a terminal, with the time that has passed.
fn spinner(text: &str) -> Option<ProgressBar> {
    let target = ProgressDrawTarget::stderr();
    if target.is_hidden() {
        return None;
    }
    let bar = ProgressBar::with_draw_target(None, target);
    // A template of this crate's own, which holds.
    let style = ProgressStyle::with_template("{spinner} {msg}: {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(text.to_owned());
    bar.enable_steady_tick(TURN);
    Some(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quick_is_not_said() {
        assert!(!Waiting::begin("nothing".into()).end());
    }

    #[test]
    fn the_line_names_file_and_size() {
        assert_eq!(
            line("./sensor.wasm", 18_454_938),
            "compiling sensor.wasm (17.6 MiB) for this machine, once"
        );
    }
}
