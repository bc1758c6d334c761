//! Shows the progress of long work.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::ui::out::err;
use mockfleet_metrics::count;

/// Time between two lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress on standard error: a bar on a terminal, lines elsewhere.
pub(crate) struct WorkProgress {
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl WorkProgress {
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = (!target.is_hidden()).then(|| {
            let bar = ProgressBar::with_draw_target(None, target);
            // The template is constant and valid.
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        Self {
            bar,
            last_line: Instant::now(),
        }
    }

    /// Shows the amount that is done, and the whole if it is known.
    pub(crate) fn show(&mut self, doing: &'static str, done: u64, of: Option<u64>) {
        let text = match of {
            Some(of) if of >= done => format!("{doing}: {} of {}", count(done), count(of)),
            _ => format!("{doing}: {}", count(done)),
        };
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            bar.tick();
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            err!("{text}");
        }
    }

    /// Removes the bar.
    pub(crate) fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
