//! Long work that is no run: a bar on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::ui::out::err;
use mockfleet_metrics::count;

/// Between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// Shows how far work is, on standard error.
pub(crate) struct WorkProgress {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl WorkProgress {
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr();
        let bar = (!target.is_hidden()).then(|| {
            let bar = ProgressBar::with_draw_target(None, target);
            // A template of this crate's own, which holds.
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        Self {
            bar,
            told: Instant::now(),
        }
    }

    /// So much is done, of so much if that is known.
    pub(crate) fn show(&mut self, doing: &'static str, done: u64, of: Option<u64>) {
        let far = match of {
            Some(of) if of >= done => format!("{doing}: {} of {}", count(done), count(of)),
            _ => format!("{doing}: {}", count(done)),
        };
        if let Some(bar) = &self.bar {
            bar.set_message(far);
            bar.tick();
        } else if self.told.elapsed() >= LINE {
            self.told = Instant::now();
            err!("{far}");
        }
    }

    /// Takes the bar away.
    pub(crate) fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
